// SPDX-License-Identifier: MIT
// The page of clock data that every process sees read-only in front of its vDSO, so that
// clock_gettime(2) needs no system call. Written by clock.cc, read by arch/*/vdso; both include
// this. A sequence number guards the fields: odd while they are written.
#pragma once

#include "lib/types.h"

namespace kernel {

struct VdsoData {
  uint32_t sequence;
  int32_t tai_offset;        // seconds
  uint64_t counter_base;     // the counter at monotonic zero
  uint64_t factor;           // ns = (ticks * factor) >> kVdsoShift, a 128-bit product
  uint64_t realtime_seconds; // of monotonic zero
  uint64_t realtime_nanos;   // below one second
  uint64_t resolution;       // clock_getres, in ns
  uint64_t coarse_resolution;
  int32_t minutes_west;      // settimeofday's time zone, kept for those who ask
  int32_t dst_time;
};
inline constexpr unsigned kVdsoShift = 32;

}  // namespace kernel
