// SPDX-License-Identifier: MIT
// Numbers in little-endian byte order at any address.
#pragma once

#include "lib/types.h"

namespace kernel {

template <std::unsigned_integral T>
constexpr T get_little_endian(const uint8_t* from) {
  uint64_t value = 0;
  for (size_t i = sizeof(T); i-- > 0;) value = value << 8 | from[i];
  return static_cast<T>(value);
}

}  // namespace kernel
