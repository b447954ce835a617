// SPDX-License-Identifier: MIT
// The generator's plumbing: no repeats, seeding counts, uniform bounds, many threads.

#include "sync/random.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace kernel {
namespace {

TEST(Random, SeededByTheDeviceTree) {
  const uint8_t seed[32] = {1, 2, 3};
  random::add_entropy({seed, 4}, 32);
  EXPECT_FALSE(random::is_seeded());
  random::init(seed);
  EXPECT_TRUE(random::is_seeded());
}

TEST(Random, NoRepeats) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(random::u64()).second);
}

TEST(Random, FillsEveryByte) {
  for (size_t size : {1u, 31u, 64u, 65u, 1000u}) {
    std::vector<uint8_t> all(size, 0);
    for (int round = 0; round < 20; ++round) {
      std::vector<uint8_t> bytes(size + 1, 0);
      random::fill(std::span(bytes).first(size));
      EXPECT_EQ(bytes[size], 0);
      for (size_t i = 0; i < size; ++i) all[i] = static_cast<uint8_t>(all[i] | bytes[i]);
    }
    for (uint8_t byte : all) EXPECT_NE(byte, 0);
  }
}

TEST(Random, BelowIsUniform) {
  unsigned counts[7] = {};
  for (int i = 0; i < 70'000; ++i) ++counts[random::below(7)];
  for (unsigned count : counts) EXPECT_NEAR(count, 10'000, 600);
  EXPECT_EQ(random::below(1), 0u);
}

TEST(Random, ManyCpus) {
  std::vector<std::set<uint64_t>> sets(4);
  std::vector<std::thread> threads;
  for (auto& set : sets) {
    threads.emplace_back([&set] {
      for (int i = 0; i < 2000; ++i) {
        set.insert(random::u64());
        const uint8_t byte[1] = {static_cast<uint8_t>(i)};
        if (i % 100 == 0) random::add_entropy(byte, 0);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<uint64_t> all;
  for (auto& set : sets) all.insert(set.begin(), set.end());
  EXPECT_EQ(all.size(), 8000u);
}

}  // namespace
}  // namespace kernel
