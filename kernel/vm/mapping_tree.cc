// SPDX-License-Identifier: MIT
// The mapping tree: lookups and the gap search. The search descends only where a large enough gap
// is known to be, and the tree is balanced, so its recursion is about 1.44 log2(65530) deep.

#include "vm/mapping_tree.h"

namespace kernel {

bool AddressOrder::summarise(Mapping& node, const Mapping* left, const Mapping* right) {
  uint64_t largest = node.gap_before;
  if (left != nullptr && left->largest_gap > largest) largest = left->largest_gap;
  if (right != nullptr && right->largest_gap > largest) largest = right->largest_gap;
  return std::exchange(node.largest_gap, largest) != largest;
}

UserAddr MappingTree::claimed_start(const Mapping& mapping) {
  uint64_t start = raw(mapping.range.start);
  if (!mapping.flags.grows_down) return mapping.range.start;
  return UserAddr{start > kStackGuardGap ? start - kStackGuardGap : 0};
}

Mapping* MappingTree::find(UserAddr address) const {
  return tree_.lower_bound(
      [address](const Mapping& mapping) { return mapping.range.end <= address; });
}

Mapping* MappingTree::containing(UserAddr address) const {
  Mapping* found = find(address);
  return found != nullptr && found->range.start <= address ? found : nullptr;
}

Mapping* MappingTree::overlapping(UserRange range) const {
  Mapping* found = find(range.start);
  return found != nullptr && found->range.start < range.end ? found : nullptr;
}

bool MappingTree::covers(UserRange range) const {
  UserAddr at = range.start;
  for (Mapping* mapping = find(at); mapping != nullptr && at < range.end;
       mapping = next(*mapping)) {
    if (mapping->range.start > at) return false;
    at = mapping->range.end;
  }
  return at >= range.end;
}

void MappingTree::update_gap(Mapping& mapping) {
  const Mapping* below = previous(mapping);
  UserAddr low = below == nullptr ? UserAddr{} : below->range.end;
  UserAddr high = claimed_start(mapping);
  mapping.gap_before = high > low ? high - low : 0;
  tree_.refresh(mapping);
}

void MappingTree::insert(Mapping& mapping) {
  tree_.insert(mapping);
  ++count_;
  update_gap(mapping);
  if (Mapping* above = next(mapping)) update_gap(*above);
}

void MappingTree::remove(Mapping& mapping) {
  Mapping* above = next(mapping);
  tree_.remove(mapping);
  --count_;
  if (above != nullptr) update_gap(*above);
}

void MappingTree::fill(List<Mapping, LooseTag>& list, size_t count) {
  count_ = count;
  UserAddr low{};
  tree_.fill(count, [&]() -> Mapping& {
    Mapping& mapping = *list.pop_front();
    UserAddr high = claimed_start(mapping);
    mapping.gap_before = high > low ? high - low : 0;
    low = mapping.range.end;
    return mapping;
  });
}

Mapping* MappingTree::take_any() {
  Mapping* taken = tree_.take_any();
  if (taken != nullptr) --count_;
  return taken;
}

void MappingTree::resize(Mapping& mapping, UserRange range) {
  mapping.range = range;
  update_gap(mapping);
  if (Mapping* above = next(mapping)) update_gap(*above);
}

namespace {

std::optional<UserAddr> top_of(UserAddr low, UserAddr high, uint64_t size, UserRange window) {
  if (low < window.start) low = window.start;
  if (high > window.end) high = window.end;
  if (high < low || high - low < size) return {};
  return high - size;
}

std::optional<UserAddr> bottom_of(UserAddr low, UserAddr high, uint64_t size, UserRange window) {
  std::optional<UserAddr> top = top_of(low, high, size, window);
  if (!top) return {};
  return low < window.start ? window.start : low;
}

UserAddr gap_start(const Mapping& node) {
  return MappingTree::claimed_start(node) - node.gap_before;
}

}  // namespace

std::optional<UserAddr> MappingTree::highest_in(const Mapping* node, uint64_t size,
                                                UserRange window) {
  if (node == nullptr || node->largest_gap < size) return {};
  // Gaps of the right subtree start at this node's end or above.
  if (window.end >= node->range.end && window.end - node->range.end >= size) {
    if (auto found = highest_in(Nodes::right(*node), size, window)) return found;
  }
  if (node->gap_before >= size) {
    if (auto found = top_of(gap_start(*node), claimed_start(*node), size, window)) return found;
  }
  if (node->range.start <= window.start) return {};
  return highest_in(Nodes::left(*node), size, window);
}

std::optional<UserAddr> MappingTree::lowest_in(const Mapping* node, uint64_t size,
                                               UserRange window) {
  if (node == nullptr || node->largest_gap < size) return {};
  // Gaps of the left subtree end at this node's start or below.
  if (node->range.start > window.start && node->range.start - window.start >= size) {
    if (auto found = lowest_in(Nodes::left(*node), size, window)) return found;
  }
  if (node->gap_before >= size) {
    if (auto found = bottom_of(gap_start(*node), claimed_start(*node), size, window)) return found;
  }
  if (node->range.end >= window.end) return {};
  return lowest_in(Nodes::right(*node), size, window);
}

std::optional<UserAddr> MappingTree::highest_gap(uint64_t size, UserRange window) const {
  const Mapping* top = tree_.last();
  UserAddr above = top == nullptr ? UserAddr{} : top->range.end;
  if (auto found = top_of(above, window.end, size, window)) return found;
  return highest_in(tree_.root(), size, window);
}

std::optional<UserAddr> MappingTree::lowest_gap(uint64_t size, UserRange window) const {
  if (auto found = lowest_in(tree_.root(), size, window)) return found;
  const Mapping* top = tree_.last();
  UserAddr above = top == nullptr ? UserAddr{} : top->range.end;
  return bottom_of(above, window.end, size, window);
}

}  // namespace kernel
