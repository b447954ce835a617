// SPDX-License-Identifier: MIT
// See allocation_failure.h.

#include "mm/allocation_failure.h"

#ifdef SAMARA_DEBUG

namespace kernel::allocation_failure {
namespace {

constinit Atomic<uint64_t> injected;
constinit Atomic<void (*)()> reporter;

}  // namespace

bool detail::count_down(Atomic<uint32_t>& left) {
  if (left.fetch_sub_relaxed(1) != 1) return false;
  injected.fetch_add_relaxed(1);
  if (auto report = reporter.load_acquire(); report != nullptr) report();
  return true;
}

uint64_t count() { return injected.load_relaxed(); }

void set_reporter(void (*report)()) { reporter.store_release(report); }

}  // namespace kernel::allocation_failure

#endif
