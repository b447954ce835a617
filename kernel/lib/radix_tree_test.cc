// SPDX-License-Identifier: MIT
// RadixTree against std::map, dense and sparse, with marks and failing allocations.

#include "lib/radix_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace kernel {
namespace {

using Mark = RadixTree::Mark;

TEST(RadixTree, OneEntryAtZeroThenMore) {
  RadixTree tree;
  EXPECT_TRUE(tree.empty());
  EXPECT_TRUE(tree.insert(0, 7).ok());
  EXPECT_EQ(tree.insert(0, 8).error(), Errno::Exist);
  tree.set_mark(0, Mark::Dirty);
  EXPECT_TRUE(tree.insert(~uint64_t{0}, 9).ok());
  EXPECT_EQ(tree.find(0), 7u);
  EXPECT_EQ(tree.find(~uint64_t{0}), 9u);
  EXPECT_EQ(tree.find(1), 0u);
  EXPECT_TRUE(tree.has_mark(0, Mark::Dirty));
  EXPECT_FALSE(tree.has_mark(~uint64_t{0}, Mark::Dirty));
  EXPECT_EQ(tree.next(1)->index, ~uint64_t{0});
  EXPECT_FALSE(tree.next(1, Mark::Dirty).has_value());
  EXPECT_EQ(tree.remove(~uint64_t{0}), 9u);
  EXPECT_TRUE(tree.has_mark(0, Mark::Dirty));
  EXPECT_EQ(tree.replace(0, 11), 7u);
  EXPECT_EQ(tree.remove(0), 11u);
  EXPECT_EQ(tree.remove(0), 0u);
  EXPECT_TRUE(tree.empty());
}

struct Model {
  uint64_t value;
  bool dirty;
};

void compare(const RadixTree& tree, const std::map<uint64_t, Model>& model) {
  uint64_t from = 0;
  auto expected = model.begin();
  for (auto entry = tree.next(0); entry.has_value(); entry = tree.next(from)) {
    ASSERT_NE(expected, model.end());
    ASSERT_EQ(entry->index, expected->first);
    ASSERT_EQ(entry->value, expected->second.value);
    ASSERT_EQ(tree.has_mark(entry->index, Mark::Dirty), expected->second.dirty);
    ++expected;
    from = entry->index + 1;
    if (from == 0) break;
  }
  ASSERT_EQ(expected, model.end());
  from = 0;
  for (auto& [index, entry] : model) {
    if (!entry.dirty) continue;
    auto found = tree.next(from, Mark::Dirty);
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->index, index);
    from = index + 1;
  }
}

void torture(uint32_t seed, unsigned shift_limit) {
  std::mt19937_64 random(seed);
  RadixTree tree;
  std::map<uint64_t, Model> model;
  for (int step = 0; step < 20'000; ++step) {
    uint64_t index = random() >> (random() % shift_limit + 64 - shift_limit);
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        uint64_t value = random() | 1;
        Result<> inserted = tree.insert(index, value);
        ASSERT_EQ(inserted.ok(), model.emplace(index, Model{value, false}).second);
        break;
      }
      case 3:
      case 4: {
        auto at = model.lower_bound(index);
        if (at == model.end()) break;
        ASSERT_EQ(tree.remove(at->first), at->second.value);
        model.erase(at);
        break;
      }
      case 5: {
        auto at = model.lower_bound(index);
        if (at == model.end()) break;
        at->second.dirty = !at->second.dirty;
        at->second.dirty ? tree.set_mark(at->first, Mark::Dirty)
                         : tree.clear_mark(at->first, Mark::Dirty);
        break;
      }
      default: {
        auto at = model.find(index);
        ASSERT_EQ(tree.find(index), at == model.end() ? 0 : at->second.value);
      }
    }
    if (step % 1000 == 0) compare(tree, model);
  }
  compare(tree, model);
  for (auto& [index, entry] : model) EXPECT_EQ(tree.remove(index), entry.value);
  EXPECT_TRUE(tree.empty());
}

TEST(RadixTree, RandomDense) { torture(1, 10); }
TEST(RadixTree, RandomMedium) { torture(2, 24); }
TEST(RadixTree, RandomSparse) { torture(3, 64); }

TEST(RadixTree, SpareNodesAreEnoughForAnything) {
  RadixTree tree;
  RadixSpare spare;
  EXPECT_TRUE(spare.fill().ok());
  EXPECT_TRUE(tree.insert(5, 1, &spare).ok());
  EXPECT_TRUE(spare.fill().ok());
  EXPECT_TRUE(tree.insert(uint64_t{1} << 63, 2, &spare).ok());
  EXPECT_EQ(tree.remove(5), 1u);
  EXPECT_EQ(tree.remove(uint64_t{1} << 63), 2u);
}

}  // namespace
}  // namespace kernel
