// SPDX-License-Identifier: MIT
// The one monotonic clock (IT9) and what is derived from it. All in nanoseconds. Any context.
#pragma once

#include "lib/types.h"

namespace kernel {

using Nanoseconds = uint64_t;
inline constexpr Nanoseconds kForever = ~uint64_t{0};

// An absolute point on the monotonic clock; kForever never comes.
struct Deadline {
  Nanoseconds at = kForever;
  static constexpr Deadline never() { return {}; }
  static Deadline after(Nanoseconds duration);
};

namespace clock {
void init();                     // from the counter's frequency
Nanoseconds monotonic();         // since boot; never goes back across CPUs
Nanoseconds realtime();          // since 1970
uint64_t realtime_offset();      // realtime = monotonic + offset
void set_realtime(Nanoseconds now);  // settimeofday; wakes absolute real-time timers
// Incremented by set_realtime: sleepers on CLOCK_REALTIME recompute.
uint32_t realtime_changes();
uint64_t counter_to_ns(uint64_t ticks);
uint64_t ns_to_counter(Nanoseconds ns);
}  // namespace clock
}  // namespace kernel
