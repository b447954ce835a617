// SPDX-License-Identifier: MIT
// The mappings of an address space in the order of their addresses, never overlapping, with the
// size of the free gap before each so that a free range is found in logarithmic time. Locking is
// the caller's.
//
//   each node:  gap_before   free bytes between the mapping below and this one
//               largest_gap  the greatest gap_before in the node's subtree
#pragma once

#include <optional>

#include "vm/mapping.h"

namespace kernel {

// A stack may grow into this many bytes below it only when nothing is mapped there (256 pages, as
// on Linux); the gap search leaves it free.
inline constexpr uint64_t kStackGuardGap = MiB;

struct AddressOrder {
  static bool less(const Mapping& a, const Mapping& b) { return a.range.start < b.range.start; }
  static bool summarise(Mapping& node, const Mapping* left, const Mapping* right);
};

class MappingTree : public Pinned {
 public:
  Mapping* first() const { return tree_.first(); }
  Mapping* last() const { return tree_.last(); }
  static Mapping* next(const Mapping& mapping) { return Nodes::next(mapping); }
  static Mapping* previous(const Mapping& mapping) { return Nodes::previous(mapping); }
  size_t count() const { return count_; }
  bool empty() const { return tree_.empty(); }

  // The lowest mapping that ends above `address`: it contains it, or is the next.
  Mapping* find(UserAddr address) const;
  // The mapping that contains it, or null.
  Mapping* containing(UserAddr address) const;
  // The lowest mapping that overlaps, or null.
  Mapping* overlapping(UserRange range) const;
  // Whether every byte of the range is mapped.
  bool covers(UserRange range) const;

  void insert(Mapping& mapping);
  void remove(Mapping& mapping);
  // Into an empty tree: all of the list, which is in order.
  void fill(List<Mapping, LooseTag>& list, size_t count);
  // Some mapping, to take out all of them: the gaps mean nothing any more.
  Mapping* take_any();
  // Moves an edge; the mapping keeps its place in the order.
  void resize(Mapping& mapping, UserRange range);

  // The highest, or lowest, free range of `size` bytes within `window`, clear of stacks' guard
  // gaps.
  std::optional<UserAddr> highest_gap(uint64_t size, UserRange window) const;
  std::optional<UserAddr> lowest_gap(uint64_t size, UserRange window) const;

  // Where a mapping's claim starts: its start, or the guard gap below a stack.
  static UserAddr claimed_start(const Mapping& mapping);

 private:
  using Nodes = Tree<Mapping, AddressOrder, MappingTreeTag>;

  static std::optional<UserAddr> highest_in(const Mapping* node, uint64_t size, UserRange window);
  static std::optional<UserAddr> lowest_in(const Mapping* node, uint64_t size, UserRange window);
  void update_gap(Mapping& mapping);

  Nodes tree_;
  size_t count_ = 0;
};

}  // namespace kernel
