// SPDX-License-Identifier: MIT
// The hashes of names by which indexed directories are sorted: "legacy", half of MD4, and TEA; each
// for characters with and without sign.
#pragma once

#include "fs/ext4/geometry.h"

namespace kernel::ext4 {

struct NameHash {
  uint32_t major =
      0;  // even: the lowest bit of a hash in a tree says "goes on from the block before"
  uint32_t minor = 0;
  // As a position in a directory: 63 bits.
  uint64_t position() const { return uint64_t{major >> 1} << 32 | minor; }
};

// `version`: kHash*, plus kHashUnsignedShift for characters without sign. Nothing when unknown.
std::optional<NameHash> hash_name(StringView name, unsigned version, const uint32_t seed[4]);

// What a directory without an index on the disk uses: the volume's default.
NameHash default_hash(const Geometry& geometry, StringView name);

}  // namespace kernel::ext4
