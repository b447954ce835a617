// SPDX-License-Identifier: MIT
// The arithmetic between counter ticks and nanoseconds: multiplication by fixed-point factors, made
// once from the frequency. Pure functions, so that the host tests them.
#pragma once

#include "lib/types.h"

namespace kernel {

class ClockScale {
 public:
  // The vDSO uses the same shift (vdso_data.h).
  static constexpr unsigned kShift = 32;

  constexpr ClockScale() = default;
  constexpr explicit ClockScale(uint64_t frequency)
      : to_ns_(rounded(kNanosPerSecond, frequency, kShift)),
        inverse_shift_(inverse_shift(frequency)),
        to_ticks_(rounded(frequency, kNanosPerSecond, inverse_shift_)) {}

  constexpr uint64_t factor() const { return to_ns_; }

  // 128-bit products: good for the counter's 64 bits, some 500 years of nanoseconds.
  constexpr uint64_t to_ns(uint64_t ticks) const { return multiply(ticks, to_ns_, kShift); }

  // The least number of ticks whose to_ns() is not below `ns`, for any ns below 2^62 (146 years).
  // The first product is off by the rounding of the factors; what is missing is small, so that the
  // second one is exact to a tick.
  constexpr uint64_t to_ticks(uint64_t ns) const {
    uint64_t ticks = multiply(ns, to_ticks_, inverse_shift_);
    if (uint64_t reached = to_ns(ticks); reached > ns) {
      ticks -= multiply(reached - ns, to_ticks_, inverse_shift_);
    }
    while (to_ns(ticks) < ns) {
      uint64_t missing = multiply(ns - to_ns(ticks), to_ticks_, inverse_shift_);
      ticks += missing > 0 ? missing : 1;
    }
    while (ticks > 0 && to_ns(ticks - 1) >= ns) --ticks;
    return ticks;
  }

 private:
  static constexpr uint64_t multiply(uint64_t value, uint64_t factor, unsigned shift) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(value) * factor) >> shift);
  }
  // dividend * 2^shift / divisor, to the nearest. Bit by bit: there is no 128-bit division here.
  static constexpr uint64_t rounded(uint64_t dividend, uint64_t divisor, unsigned shift) {
    uint64_t quotient = dividend / divisor;
    uint64_t remainder = dividend % divisor;
    for (unsigned i = 0; i < shift; ++i) {
      quotient <<= 1;
      remainder <<= 1;
      if (remainder >= divisor) {
        remainder -= divisor;
        quotient |= 1;
      }
    }
    return quotient + (remainder * 2 >= divisor ? 1 : 0);
  }
  // As many bits as the factor can have.
  static constexpr unsigned inverse_shift(uint64_t frequency) {
    unsigned shift = 60;
    for (uint64_t whole = frequency / kNanosPerSecond; whole != 0; whole >>= 1) --shift;
    return shift;
  }

  uint64_t to_ns_ = uint64_t{1} << kShift;
  unsigned inverse_shift_ = 60;
  uint64_t to_ticks_ = uint64_t{1} << 60;
};

}  // namespace kernel
