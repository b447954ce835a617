// SPDX-License-Identifier: MIT
// Blocks whose older copies in the log must not be replayed: of one transaction while it is made,
// of the whole log in recovery. The lock is the owner's; nodes are made before it is taken.
#pragma once

#include "lib/ref.h"
#include "lib/tree.h"

namespace kernel::jbd2 {

struct Revoke : TreeNode<Revoke> {
  Revoke(uint64_t number, uint32_t last) : block(number), sequence(last) {}
  const uint64_t block;
  uint32_t sequence;  // copies in this transaction and older ones are void
};

class RevokeTable : public Pinned {
 public:
  RevokeTable() = default;
  ~RevokeTable() {
    while (Revoke* first = tree_.first()) remove(*first);
  }

  bool empty() const { return tree_.empty(); }
  uint32_t count() const { return count_; }
  Revoke* first() const { return tree_.first(); }
  static Revoke* next(const Revoke& revoke) { return Order::next(revoke); }

  Revoke* find(uint64_t block) const {
    Revoke* found = tree_.lower_bound([block](const Revoke& at) { return at.block < block; });
    return found != nullptr && found->block == block ? found : nullptr;
  }
  // The block is not in the table.
  void insert(Owned<Revoke> revoke) {
    tree_.insert(*std::move(revoke).leak());
    ++count_;
  }
  void remove(Revoke& revoke) {
    tree_.remove(revoke);
    --count_;
    Owned<Revoke> gone = Owned<Revoke>::adopt(&revoke);
  }

 private:
  struct ByBlock {
    static bool less(const Revoke& a, const Revoke& b) { return a.block < b.block; }
  };
  using Order = Tree<Revoke, ByBlock>;

  Order tree_;
  uint32_t count_ = 0;
};

}  // namespace kernel::jbd2
