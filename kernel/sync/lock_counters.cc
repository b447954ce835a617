// SPDX-License-Identifier: MIT
// See lock_counters.h.

#include "sync/lock_counters.h"

#ifdef SAMARA_DEBUG

#include "sync/per_cpu.h"

namespace kernel::lock_counters {
namespace {

// A thread may be moved, or interrupted, between finding the counter and adding to it.
struct Counters {
  struct {
    Atomic<uint64_t> taken, waited;
  } ranks[kLockRanks];
};
PER_CPU(Counters, counters);

}  // namespace

void note(LockRank rank, bool waited) {
  auto& counts = counters.nearby().ranks[static_cast<size_t>(rank)];
  counts.taken.fetch_add_relaxed(1);
  if (waited) counts.waited.fetch_add_relaxed(1);
}

Counts sum(LockRank rank) {
  Counts sum;
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    auto& counts = counters.on(cpu).ranks[static_cast<size_t>(rank)];
    sum.taken += counts.taken.load_relaxed();
    sum.waited += counts.waited.load_relaxed();
  }
  return sum;
}

}  // namespace kernel::lock_counters

#endif
