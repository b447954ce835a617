// SPDX-License-Identifier: MIT
// Failure injection (alloc_fail=N, see heap.h): tests run a program with N rising until it
// succeeds, and so visit every error path of every system call that it makes.

#include "arch/cpu.h"
#include "mm/heap.h"

namespace kernel::heap {

constinit Atomic<uint64_t> detail::failure_countdown;

void set_allocation_failure(uint64_t countdown) {
  detail::failure_countdown.store_relaxed(countdown);
}

bool detail::count_down_failure() {
  if ((arch::current_thread()->memory_flags & kMemoryFailInjection) == 0) return false;
  uint64_t left = failure_countdown.load_relaxed();
  while (left != 0) {
    if (failure_countdown.compare_exchange_relaxed(left, left - 1)) return left == 1;
  }
  return false;
}

}  // namespace kernel::heap
