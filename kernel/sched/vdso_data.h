// SPDX-License-Identifier: MIT
// The page of clock data that every process sees read-only in front of its vDSO, so that
// clock_gettime(2) needs no system call. Written by clock.cc, read by arch/*/vdso; both include
// this. Every field is read alone: the counter's scale never changes after boot, and a clock is set
// by storing one word.
#pragma once

#include "lib/types.h"

namespace kernel {

inline constexpr unsigned kVdsoClocks = 12;  // CLOCK_REALTIME .. CLOCK_TAI of linux/time.h

struct VdsoData {
  uint64_t counter_base;          // the counter at monotonic zero
  uint64_t factor;                // ns = (ticks * factor) >> kVdsoShift, a 128-bit product
  uint64_t offset[kVdsoClocks];   // ns from the monotonic clock to each of them
  uint64_t resolution;            // clock_getres, in ns
  uint64_t coarse_resolution;
  int32_t minutes_west;           // settimeofday's time zone, kept for those who ask
  int32_t dst_time;
};
inline constexpr unsigned kVdsoShift = 32;

}  // namespace kernel
