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

class WaitQueue;
struct VdsoData;

namespace clock {
void init();                     // from the counter's frequency
Nanoseconds monotonic();         // since boot; never goes back across CPUs
Nanoseconds realtime();          // since 1970
uint64_t realtime_offset();      // realtime = monotonic + offset
void set_realtime(Nanoseconds now);  // settimeofday; wakes absolute real-time sleepers
int32_t tai_offset();            // seconds, adjtimex(ADJ_TAI)
void set_tai_offset(int32_t seconds);
// Incremented by set_realtime: sleepers on CLOCK_REALTIME recompute when they are woken here.
uint32_t realtime_changes();
WaitQueue& realtime_waiters();
// Durations. The product never overflows; ns_to_counter rounds up, so that a timer programmed with
// it does not fire early.
uint64_t counter_to_ns(uint64_t ticks);
uint64_t ns_to_counter(Nanoseconds ns);
// The counter's value at which monotonic() reaches `at`, for the timer device.
uint64_t monotonic_to_counter(Nanoseconds at);
// What clock_getres(2) says, as Linux at 250 Hz says it.
inline constexpr Nanoseconds kResolution = 1;
inline constexpr Nanoseconds kCoarseResolution = 4'000'000;
// settimeofday's second argument: stored and given back, used by nobody.
struct TimeZone {
  int32_t minutes_west = 0;
  int32_t dst_time = 0;
};
TimeZone time_zone();
void set_time_zone(TimeZone zone);
// Keeps the vDSO's data page up to date from now on. Once.
void attach_vdso(VdsoData& page);
}  // namespace clock
}  // namespace kernel
