// SPDX-License-Identifier: MIT
// Counter ticks to nanoseconds and back, for the frequencies that machines have.
#include "sched/clock_scale.h"

#include <gtest/gtest.h>

namespace kernel {
namespace {

constexpr uint64_t kFrequencies[] = {1'000'000,     19'200'000, 24'000'000,
                                     54'000'000,    62'500'000, 100'000'000,
                                     1'000'000'000, 32'768,     3'333'333'333};

// Long division in 128 bits, which the kernel does not have.
uint64_t exact_ns(uint64_t ticks, uint64_t frequency) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(ticks) * kNanosPerSecond / frequency);
}

TEST(ClockScale, AgreesWithDivisionForACentury) {
  for (uint64_t frequency : kFrequencies) {
    ClockScale scale(frequency);
    for (uint64_t seconds = 1; seconds < 100ull * 365 * 86400; seconds = seconds * 3 + 1) {
      uint64_t got = scale.to_ns(seconds * frequency);
      uint64_t want = exact_ns(seconds * frequency, frequency);
      uint64_t error = got > want ? got - want : want - got;
      EXPECT_LE(error, 1 + want / 100'000'000) << frequency << " Hz, " << seconds << " s";
    }
  }
}

TEST(ClockScale, TicksAreTheLeastThatReachTheTime) {
  for (uint64_t frequency : kFrequencies) {
    ClockScale scale(frequency);
    for (uint64_t ns = 0; ns < uint64_t{1} << 61; ns = ns * 2 + ns / 7 + 1) {
      uint64_t ticks = scale.to_ticks(ns);
      ASSERT_GE(scale.to_ns(ticks), ns) << frequency << " Hz";
      if (ticks > 0) {
        ASSERT_LT(scale.to_ns(ticks - 1), ns) << frequency << " Hz";
      }
    }
  }
}

TEST(ClockScale, NeverGoesBack) {
  ClockScale scale(19'200'000);
  uint64_t last = 0;
  for (uint64_t ticks = uint64_t{1} << 50; ticks < (uint64_t{1} << 50) + 100'000; ++ticks) {
    uint64_t ns = scale.to_ns(ticks);
    ASSERT_GE(ns, last);
    last = ns;
  }
}

}  // namespace
}  // namespace kernel
