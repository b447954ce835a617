// SPDX-License-Identifier: MIT
// The block function against the vectors of RFC 8439 (2.3.2 and A.1).

#include "lib/chacha20.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace kernel {
namespace {

std::string hex(const ChaChaBlock& block) {
  std::string text;
  uint8_t bytes[64];
  std::memcpy(bytes, block.data(), sizeof bytes);  // little-endian, as the RFC serialises
  for (uint8_t byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

TEST(ChaCha20, Rfc8439Section232) {
  ChaChaKey key;
  for (uint32_t i = 0; i < 8; ++i) key[i] = 0x03020100 + i * 0x04040404;
  EXPECT_EQ(hex(chacha20_block(key, {1, 0x09000000, 0x4a000000, 0})),
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
            "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

TEST(ChaCha20, Rfc8439AppendixA1) {
  EXPECT_EQ(hex(chacha20_block({}, {})),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
            "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
  EXPECT_EQ(hex(chacha20_block({}, {1, 0, 0, 0})),
            "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
            "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
}

static_assert(chacha20_block({}, {})[0] == 0xade0b876);

}  // namespace
}  // namespace kernel
