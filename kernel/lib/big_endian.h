// SPDX-License-Identifier: MIT
// Numbers in big-endian byte order at any address.
#pragma once

#include "lib/types.h"

namespace kernel {

template <std::unsigned_integral T>
constexpr void put_big_endian(uint8_t* to, T value) {
  for (size_t i = sizeof(T); i-- > 0; value >>= 8) to[i] = static_cast<uint8_t>(value);
}

template <std::unsigned_integral T>
constexpr T get_big_endian(const uint8_t* from) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = value << 8 | from[i];
  return static_cast<T>(value);
}

}  // namespace kernel
