// SPDX-License-Identifier: MIT
// Times and timers as Linux lays them out on arm64 (linux/time.h, linux/time_types.h,
// linux/timex.h, asm-generic/siginfo.h), and their conversion to nanoseconds.
#pragma once

#include "lib/result.h"
#include "lib/types.h"

namespace kernel::abi {

struct TimeSpec {
  int64_t seconds;
  int64_t nanoseconds;

  // In range for a duration or a point in time.
  constexpr bool is_valid() const {
    return seconds >= 0 && nanoseconds >= 0 && nanoseconds < static_cast<int64_t>(kNanosPerSecond);
  }
  // Only when valid. Beyond what a clock can reach: saturated, which is for ever.
  constexpr uint64_t to_ns() const {
    uint64_t ns;
    if (__builtin_mul_overflow(static_cast<uint64_t>(seconds), kNanosPerSecond, &ns))
      return ~uint64_t{0};
    if (__builtin_add_overflow(ns, static_cast<uint64_t>(nanoseconds), &ns)) return ~uint64_t{0};
    return ns;
  }
  static constexpr TimeSpec from_ns(uint64_t ns) {
    return {static_cast<int64_t>(ns / kNanosPerSecond), static_cast<int64_t>(ns % kNanosPerSecond)};
  }
};
static_assert(sizeof(TimeSpec) == 16);

struct TimeVal {
  int64_t seconds;
  int64_t microseconds;

  constexpr bool is_valid() const {
    return seconds >= 0 && microseconds >= 0 && microseconds < 1'000'000;
  }
  constexpr uint64_t to_ns() const { return TimeSpec{seconds, microseconds * 1000}.to_ns(); }
  // Rounded down, as clocks are.
  static constexpr TimeVal from_ns(uint64_t ns) {
    return {static_cast<int64_t>(ns / kNanosPerSecond),
            static_cast<int64_t>(ns % kNanosPerSecond / 1000)};
  }
};
static_assert(sizeof(TimeVal) == 16);

struct TimeZone {
  int32_t minutes_west;
  int32_t dst_time;
};

struct IntervalSpec {  // struct itimerspec
  TimeSpec interval;
  TimeSpec value;
};
struct IntervalVal {  // struct itimerval
  TimeVal interval;
  TimeVal value;
};

struct Tms {  // in units of 1/100 s
  int64_t user;
  int64_t system;
  int64_t children_user;
  int64_t children_system;
};

struct SignalEvent {  // struct sigevent
  uint64_t value;
  int32_t signal;
  int32_t notify;
  int32_t thread_id;
  int32_t unused[11];
};
static_assert(sizeof(SignalEvent) == 64);

// struct timex
struct Timex {
  uint32_t modes;
  uint32_t hole1;
  int64_t offset;
  int64_t frequency;
  int64_t max_error;
  int64_t estimated_error;
  int32_t status;
  uint32_t hole2;
  int64_t constant;
  int64_t precision;
  int64_t tolerance;
  TimeVal time;
  int64_t tick;
  int64_t pps_frequency;
  int64_t jitter;
  int32_t shift;
  uint32_t hole3;
  int64_t stability;
  int64_t jitter_count;
  int64_t calibration_count;
  int64_t error_count;
  int64_t stability_count;
  int32_t tai;
  int32_t unused[11];
};
static_assert(sizeof(Timex) == 208);

inline constexpr int32_t kTimerAbsolute = 1;  // TIMER_ABSTIME
inline constexpr int32_t kItimerReal = 0, kItimerVirtual = 1, kItimerProf = 2;
inline constexpr int32_t kSigevSignal = 0, kSigevNone = 1, kSigevThread = 2, kSigevThreadId = 4;

}  // namespace kernel::abi
