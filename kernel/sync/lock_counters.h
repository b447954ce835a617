// SPDX-License-Identifier: MIT
// How often locks of each rank were taken, and how often somebody had to wait for one. Debug builds
// only; /proc/lock_counts shows it, and `./samara bench --locks` what a benchmark adds to it.
#pragma once

#include "sync/lock_order.h"

namespace kernel::lock_counters {

#ifdef SAMARA_DEBUG
struct Counts {
  uint64_t taken = 0;
  uint64_t waited = 0;
};
// Any context.
void note(LockRank rank, bool waited);
// Of all CPUs.
Counts sum(LockRank rank);
#else
inline void note(LockRank, bool) {}
#endif

}  // namespace kernel::lock_counters
