// SPDX-License-Identifier: MIT
// See directory_hash.h. MD4: RFC 1320, two thirds of a block at a time and without the padding;
// TEA: Wheeler and Needham, 1994, sixteen rounds.

#include "fs/ext4/directory_hash.h"

namespace kernel::ext4 {
namespace {

constexpr uint32_t kEndOfHashes = 0xffff'fffe;  // stands for "behind the last"

uint32_t character(char c, bool is_unsigned) {
  return is_unsigned ? static_cast<unsigned char>(c)
                     : static_cast<uint32_t>(static_cast<int32_t>(static_cast<signed char>(c)));
}

uint32_t legacy(StringView name, bool is_unsigned) {
  uint32_t newer = 0x12a3'fe2d, older = 0x37ab'e8f9;
  for (char c : name) {
    uint32_t next = older + (newer ^ character(c, is_unsigned) * 7152373);
    if ((next & 0x8000'0000) != 0) next -= 0x7fff'ffff;
    older = newer;
    newer = next;
  }
  return newer << 1;
}

// The next up to 4 * `count` characters as words; what is missing is filled with the length.
void fill_words(StringView name, uint32_t* words, size_t count, bool is_unsigned) {
  auto length = static_cast<uint32_t>(name.size());
  uint32_t padding = length | length << 8;
  padding |= padding << 16;
  size_t used = name.size() < count * 4 ? name.size() : count * 4;
  for (size_t word = 0; word < count; ++word) {
    uint32_t value = padding;
    for (size_t i = word * 4; i < word * 4 + 4 && i < used; ++i)
      value = character(name[i], is_unsigned) + (value << 8);
    words[word] = value;
  }
}

uint32_t select(uint32_t x, uint32_t y, uint32_t z) { return z ^ (x & (y ^ z)); }
uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) + ((x ^ y) & z); }
uint32_t parity(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }

void half_md4(uint32_t state[4], const uint32_t words[8]) {
  static constexpr struct {
    uint32_t (*mix)(uint32_t, uint32_t, uint32_t);
    uint32_t constant;
    uint8_t order[8];
    uint8_t shifts[4];
  } kRounds[] = {
      {select, 0, {0, 1, 2, 3, 4, 5, 6, 7}, {3, 7, 11, 19}},
      {majority, 0x5a82'7999, {1, 3, 5, 7, 0, 2, 4, 6}, {3, 5, 9, 13}},
      {parity, 0x6ed9'eba1, {3, 7, 2, 6, 1, 5, 0, 4}, {3, 9, 11, 15}},
  };
  uint32_t mixed[4] = {state[0], state[1], state[2], state[3]};
  for (const auto& round : kRounds) {
    for (unsigned step = 0; step < 8; ++step) {
      // a, d, c, b in turn.
      uint32_t& target = mixed[(4 - step % 4) % 4];
      uint32_t x = mixed[(5 - step % 4) % 4], y = mixed[(6 - step % 4) % 4],
               z = mixed[(7 - step % 4) % 4];
      target = std::rotl(target + round.mix(x, y, z) + words[round.order[step]] + round.constant,
                         round.shifts[step % 4]);
    }
  }
  for (unsigned i = 0; i < 4; ++i) state[i] += mixed[i];
}

void tea(uint32_t state[4], const uint32_t words[4]) {
  uint32_t sum = 0, left = state[0], right = state[1];
  for (unsigned round = 0; round < 16; ++round) {
    sum += 0x9e37'79b9;
    left += ((right << 4) + words[0]) ^ (right + sum) ^ ((right >> 5) + words[1]);
    right += ((left << 4) + words[2]) ^ (left + sum) ^ ((left >> 5) + words[3]);
  }
  state[0] += left;
  state[1] += right;
}

}  // namespace

std::optional<NameHash> hash_name(StringView name, unsigned version, const uint32_t seed[4]) {
  bool is_unsigned = version >= kHashUnsignedShift;
  uint32_t state[4] = {0x6745'2301, 0xefcd'ab89, 0x98ba'dcfe, 0x1032'5476};
  if ((seed[0] | seed[1] | seed[2] | seed[3]) != 0) __builtin_memcpy(state, seed, sizeof state);
  NameHash hash;
  uint32_t words[8];
  switch (version % kHashUnsignedShift) {
    case kHashLegacy:
      hash.major = legacy(name, is_unsigned);
      break;
    case kHashHalfMd4:
      for (StringView rest = name; !rest.empty(); rest = rest.substr(32)) {
        fill_words(rest, words, 8, is_unsigned);
        half_md4(state, words);
      }
      hash = {state[1], state[2]};
      break;
    default:
      for (StringView rest = name; !rest.empty(); rest = rest.substr(16)) {
        fill_words(rest, words, 4, is_unsigned);
        tea(state, words);
      }
      hash = {state[0], state[1]};
      break;
  }
  if (version >= 2 * kHashUnsignedShift) return std::nullopt;
  hash.major &= ~1u;
  if (hash.major == kEndOfHashes) hash.major = kEndOfHashes - 2;
  return hash;
}

NameHash default_hash(const Geometry& geometry, StringView name) {
  unsigned version = geometry.default_hash;
  if (version < kHashUnsignedShift && geometry.unsigned_hash) version += kHashUnsignedShift;
  std::optional<NameHash> hash = hash_name(name, version, geometry.hash_seed);
  if (!hash) hash = hash_name(name, kHashHalfMd4 + kHashUnsignedShift, geometry.hash_seed);
  return *hash;
}

}  // namespace kernel::ext4
