// SPDX-License-Identifier: MIT
// Check values of the catalogues of CRCs, and chaining at every cut.

#include "lib/crc32c.h"

#include <gtest/gtest.h>

#include <string_view>

namespace kernel {
namespace {

std::span<const uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Crc, CheckValues) {
  EXPECT_EQ(crc32c(~0u, bytes("123456789")) ^ ~0u, 0xe306'9283);
  EXPECT_EQ(crc16(0, bytes("123456789")), 0xbb3d);
}

TEST(Crc, PiecesChain) {
  std::string_view text = "the quick brown fox jumps over the lazy dog, twice or so";
  uint32_t whole = crc32c(~0u, bytes(text));
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(crc32c(~0u, bytes(text.substr(0, cut))), bytes(text.substr(cut))), whole);
  }
}

}  // namespace
}  // namespace kernel
