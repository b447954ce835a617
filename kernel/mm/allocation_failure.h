// SPDX-License-Identifier: MIT
// Failure injection: the N-th allocation that a thread makes from now on fails, once. A program
// asks for it by writing N into /proc/thread-self/fail-nth, as on a Linux with
// CONFIG_FAULT_INJECTION; threads and children inherit what is left, so that each line of descent
// fails once. Tests run a program with N rising until no allocation is left to fail, and so visit
// every error path of every system call that it makes. Debug builds only; the release build has
// nothing of it.
#pragma once

#include "arch/cpu.h"

namespace kernel::allocation_failure {

#ifdef SAMARA_DEBUG

namespace detail {
bool count_down(Atomic<uint32_t>& left);
}
// Asked by frames and heap, once for each allocation. Any context.
inline bool is_due() {
  Atomic<uint32_t>& left = arch::current_thread()->allocations_until_failure;
  return left.load_relaxed() != 0 && detail::count_down(left);
}
// Failures injected since boot.
uint64_t count();
// Called at each failure, in the context of the allocation: for a log line that says where.
void set_reporter(void (*report)());

#else

constexpr bool is_due() { return false; }

#endif

}  // namespace kernel::allocation_failure
