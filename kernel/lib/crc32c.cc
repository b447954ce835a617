// SPDX-License-Identifier: MIT
// See crc32c.h. Eight bytes a step by eight tables, which the compiler computes.

#include "lib/crc32c.h"

#include <array>

namespace kernel {
namespace {

constexpr uint32_t kPolynomial = 0x82f6'3b78;  // reflected
constexpr uint16_t kPolynomial16 = 0xa001;

// tables[n][b]: the effect of byte b followed by n zero bytes.
constexpr auto tables = [] {
  std::array<std::array<uint32_t, 256>, 8> made{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? kPolynomial : 0);
    made[0][byte] = value;
  }
  for (size_t n = 1; n < 8; ++n) {
    for (size_t byte = 0; byte < 256; ++byte)
      made[n][byte] = made[n - 1][byte] >> 8 ^ made[0][made[n - 1][byte] & 0xff];
  }
  return made;
}();

constexpr auto table16 = [] {
  std::array<uint16_t, 256> made{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? kPolynomial16 : 0);
    made[byte] = static_cast<uint16_t>(value);
  }
  return made;
}();

}  // namespace

uint32_t crc32c(uint32_t crc, std::span<const uint8_t> bytes) {
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint32_t low = 0, high = 0;
    __builtin_memcpy(&low, at, 4);
    __builtin_memcpy(&high, at + 4, 4);
    low ^= crc;
    crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
          tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
          tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
  }
  for (; left != 0; --left) crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 0xff];
  return crc;
}

uint16_t crc16(uint16_t crc, std::span<const uint8_t> bytes) {
  for (uint8_t byte : bytes)
    crc = static_cast<uint16_t>(crc >> 8 ^ table16[(crc ^ byte) & 0xff]);
  return crc;
}

}  // namespace kernel
