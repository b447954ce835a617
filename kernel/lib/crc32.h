// SPDX-License-Identifier: MIT
// CRC-32 of ISO-HDLC (zlib's, the UEFI specification's), for small things: a bit at a time.
#pragma once

#include <span>

#include "lib/types.h"

namespace kernel {

constexpr uint32_t crc32(std::span<const uint8_t> bytes) {
  uint32_t crc = ~uint32_t{0};
  for (uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb8'8320 : 0);
  }
  return ~crc;
}

}  // namespace kernel
