// SPDX-License-Identifier: MIT
// List, Tree, Vector, Bitmap against the standard library's, with random operations.

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "lib/bitmap.h"
#include "lib/list.h"
#include "lib/tree.h"
#include "lib/vector.h"

namespace kernel {
namespace {

struct OtherTag {};
struct Item : ListNode<Item>, ListNode<Item, OtherTag> {
  explicit Item(int number) : value(number) {}
  int value;
};

std::vector<int> values(List<Item>& list) {
  std::vector<int> out;
  for (Item& item : list) out.push_back(item.value);
  std::vector<int> backwards;
  for (Item* item = list.back(); item != nullptr; item = list.previous(*item))
    backwards.push_back(item->value);
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(out, backwards);
  return out;
}

TEST(List, Order) {
  List<Item> list, second;
  List<Item, OtherTag> other;
  Item a(1), b(2), c(3), d(4);
  EXPECT_TRUE(list.empty() && list.front() == nullptr && list.pop_front() == nullptr);
  list.push_back(b);
  list.push_front(a);
  list.insert_after(b, d);
  list.insert_before(d, c);
  other.push_back(c);
  EXPECT_EQ(values(list), (std::vector<int>{1, 2, 3, 4}));
  list.remove(b);
  EXPECT_EQ(values(list), (std::vector<int>{1, 3, 4}));
  second.push_back(b);
  second.splice_back(list);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(values(second), (std::vector<int>{2, 1, 3, 4}));
  other.remove(c);
  while (Item* item = second.pop_front())
    EXPECT_FALSE(static_cast<ListNode<Item>*>(item)->is_linked());
}

TEST(List, MisuseIsSeen) {
  List<Item> list;
  Item item(1);
  list.push_back(item);
  EXPECT_DEATH(list.push_back(item), "is_linked");
  list.remove(item);
  EXPECT_DEATH(list.remove(item), "is_linked");
}

TEST(List, RandomAgainstStd) {
  std::mt19937 random(5);
  std::vector<std::unique_ptr<Item>> items;
  for (int i = 0; i < 50; ++i) items.push_back(std::make_unique<Item>(i));
  List<Item> list;
  std::list<int> model;
  for (int step = 0; step < 5000; ++step) {
    Item& item = *items[random() % items.size()];
    auto at = std::find(model.begin(), model.end(), item.value);
    if (at != model.end()) {
      list.remove(item);
      model.erase(at);
    } else if (model.empty() || random() % 3 == 0) {
      list.push_front(item);
      model.push_front(item.value);
    } else {
      Item& position = *items[static_cast<size_t>(
          *std::next(model.begin(), static_cast<long>(random() % model.size())))];
      list.insert_after(position, item);
      model.insert(std::next(std::find(model.begin(), model.end(), position.value)), item.value);
    }
    ASSERT_EQ(values(list), std::vector<int>(model.begin(), model.end()));
  }
  while (list.pop_front() != nullptr) {
  }
}

struct Leaf : TreeNode<Leaf> {
  uint32_t key = 0;
  uint32_t order = 0;    // of insertion
  uint64_t largest = 0;  // of the subtree: a summary
};
struct LeafOrder {
  static bool less(const Leaf& a, const Leaf& b) { return a.key < b.key; }
  static bool summarise(Leaf& leaf, const Leaf* left, const Leaf* right) {
    uint64_t largest = leaf.key;
    if (left != nullptr) largest = std::max(largest, left->largest);
    if (right != nullptr) largest = std::max(largest, right->largest);
    return std::exchange(leaf.largest, largest) != largest;
  }
};
using LeafTree = Tree<Leaf, LeafOrder>;

int check_subtree(const Leaf* leaf) {
  if (leaf == nullptr) return 0;
  const Leaf *left = LeafTree::left(*leaf), *right = LeafTree::right(*leaf);
  int left_height = check_subtree(left), right_height = check_subtree(right);
  EXPECT_LE(std::abs(left_height - right_height), 1);
  uint64_t largest = leaf->key;
  if (left != nullptr) largest = std::max(largest, left->largest);
  if (right != nullptr) largest = std::max(largest, right->largest);
  EXPECT_EQ(leaf->largest, largest);
  return std::max(left_height, right_height) + 1;
}

TEST(Tree, RandomAgainstStd) {
  std::mt19937 random(9);
  std::vector<std::unique_ptr<Leaf>> leaves;
  for (int i = 0; i < 300; ++i) leaves.push_back(std::make_unique<Leaf>());
  LeafTree tree;
  auto before = [](const Leaf* a, const Leaf* b) {
    return a->key != b->key ? a->key < b->key : a->order < b->order;
  };
  std::set<Leaf*, decltype(before)> model(before);
  for (uint32_t step = 0; step < 6000; ++step) {
    Leaf& leaf = *leaves[random() % leaves.size()];
    if (leaf.is_in_tree()) {
      tree.remove(leaf);
      model.erase(&leaf);
    } else {
      leaf.key = static_cast<uint32_t>(random() % 200);  // equal keys stand in insertion order
      leaf.order = step;
      tree.insert(leaf);
      model.insert(&leaf);
    }
    auto wanted = static_cast<uint32_t>(random() % 200);
    Leaf* found = tree.lower_bound([wanted](const Leaf& at) { return at.key < wanted; });
    auto expected =
        std::find_if(model.begin(), model.end(), [wanted](Leaf* at) { return at->key >= wanted; });
    ASSERT_EQ(found, expected == model.end() ? nullptr : *expected);
    if (step % 50 != 0) continue;
    check_subtree(tree.root());
    std::vector<Leaf*> forward, backward;
    for (Leaf* at = tree.first(); at != nullptr; at = tree.next(*at)) forward.push_back(at);
    for (Leaf* at = tree.last(); at != nullptr; at = tree.previous(*at)) backward.push_back(at);
    std::reverse(backward.begin(), backward.end());
    ASSERT_EQ(forward, std::vector<Leaf*>(model.begin(), model.end()));
    ASSERT_EQ(backward, forward);
  }
  for (size_t left = model.size(); Leaf* leaf = tree.take_any(); --left) {
    EXPECT_FALSE(leaf->is_in_tree());
    EXPECT_EQ(model.erase(leaf), 1u);
    EXPECT_EQ(model.size(), left - 1);
  }
  EXPECT_TRUE(tree.empty() && model.empty());
}

struct Counted {
  static inline int live = 0;
  int value = 0;
  Counted() { ++live; }
  explicit Counted(int number) : value(number) { ++live; }
  Counted(Counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++live; }
  Counted& operator=(Counted&& other) noexcept {
    std::swap(value, other.value);
    return *this;
  }
  ~Counted() { --live; }
};

TEST(Vector, RandomAgainstStd) {
  std::mt19937 random(2);
  {
    Vector<Counted> vector;
    std::vector<int> model;
    for (int step = 0; step < 4000; ++step) {
      switch (random() % 5) {
        case 0:
        case 1:
          EXPECT_TRUE(vector.append(Counted(step)).ok());
          model.push_back(step);
          break;
        case 2: {
          size_t at = random() % (model.size() + 1);
          EXPECT_TRUE(vector.insert(at, Counted(step)).ok());
          model.insert(model.begin() + static_cast<long>(at), step);
          break;
        }
        case 3:
          if (model.empty()) break;
          {
            size_t at = random() % model.size();
            vector.remove(at);
            model.erase(model.begin() + static_cast<long>(at));
          }
          break;
        case 4: {
          size_t size = random() % 40;
          EXPECT_TRUE(vector.resize(size).ok());
          model.resize(size);
          break;
        }
      }
      ASSERT_EQ(vector.size(), model.size());
      for (size_t i = 0; i < model.size(); ++i) ASSERT_EQ(vector[i].value, model[i]);
      ASSERT_EQ(Counted::live, static_cast<int>(model.size()));
    }
    Vector<Counted> moved(std::move(vector));
    EXPECT_EQ(moved.size(), model.size());
    EXPECT_TRUE(vector.empty());
  }
  EXPECT_EQ(Counted::live, 0);
}

TEST(Vector, ImpossibleSizeFails) {
  Vector<uint64_t> vector;
  EXPECT_EQ(vector.reserve(~size_t{0} / 4).error(), Errno::NoMem);
  EXPECT_TRUE(vector.empty());
}

TEST(Bitmap, RandomAgainstStd) {
  constexpr size_t kSize = 10'007;
  static Bitmap<kSize> bitmap;
  std::set<size_t> model;
  std::mt19937 random(4);
  for (size_t i = 0; i < 9000; ++i) {
    bitmap.set(i);
    model.insert(i);
  }
  for (int step = 0; step < 20'000; ++step) {
    size_t at = random() % kSize;
    if (random() % 4 != 0) {
      bitmap.set(at);
      model.insert(at);
    } else {
      bitmap.clear(at);
      model.erase(at);
    }
    size_t from = random() % kSize, clear = from;
    while (clear < kSize && model.contains(clear)) ++clear;
    ASSERT_EQ(bitmap.find_clear(from), clear == kSize ? bitmap.npos : clear);
    auto set = model.lower_bound(from);
    ASSERT_EQ(bitmap.find_set(from), set == model.end() ? bitmap.npos : *set);
    ASSERT_EQ(bitmap.count(), model.size());
  }
  for (size_t i = 0; i < kSize; ++i) bitmap.set(i);
  EXPECT_EQ(bitmap.find_clear(), bitmap.npos);
  bitmap.clear(kSize - 1);
  EXPECT_EQ(bitmap.find_clear(), kSize - 1);
}

}  // namespace
}  // namespace kernel
