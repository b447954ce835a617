// SPDX-License-Identifier: MIT
// The ChaCha20 block function (RFC 8439, section 2.3). Constant time by construction.
#pragma once

#include <array>
#include <span>

#include "lib/types.h"

namespace kernel {

using ChaChaKey = std::array<uint32_t, 8>;
using ChaChaBlock = std::array<uint32_t, 16>;

// `input`: the block counter and the three words of the nonce.
constexpr ChaChaBlock chacha20_block(const ChaChaKey& key, const std::array<uint32_t, 4>& input) {
  constexpr uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32,
                                      0x6b206574};  // "expand 32-byte k"
  ChaChaBlock start{};
  for (size_t i = 0; i < 4; ++i) start[i] = kConstants[i];
  for (size_t i = 0; i < 8; ++i) start[4 + i] = key[i];
  for (size_t i = 0; i < 4; ++i) start[12 + i] = input[i];
  ChaChaBlock x = start;
  auto quarter = [&x](size_t a, size_t b, size_t c, size_t d) {
    x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 7);
  };
  for (int round = 0; round < 10; ++round) {
    for (size_t i = 0; i < 4; ++i) quarter(i, 4 + i, 8 + i, 12 + i);
    for (size_t i = 0; i < 4; ++i) quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  for (size_t i = 0; i < 16; ++i) x[i] += start[i];
  return x;
}

}  // namespace kernel
