// SPDX-License-Identifier: MIT
// The kernel's random numbers, good enough for keys: ChaCha20 with fast key erasure, so that what
// is in memory later does not reveal what was given out before. Any context; never waits.
#pragma once

#include <cstddef>
#include <span>

#include "lib/types.h"

namespace kernel::random {

// Boot: stirs in the device tree's rng-seed (may be empty), the CPU's generator and timing jitter.
// The caller then wipes the seed, lest anybody reads it.
void init(std::span<const uint8_t> seed);

// Stirs something in (virtio-rng, writes to /dev/random with no credit). `credit_bits`: how much of
// it nobody can guess.
void add_entropy(std::span<const uint8_t> input, unsigned credit_bits);
// 256 bits have come in: getrandom(2) waits for this, the kernel itself does not.
bool is_seeded();

void fill(std::span<uint8_t> out);
uint64_t u64();
uint64_t below(uint64_t limit);  // uniform in [0, limit); limit > 0

}  // namespace kernel::random
