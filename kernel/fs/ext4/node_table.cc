// SPDX-License-Identifier: MIT
// See node_table.h.

#include "fs/ext4/node_table.h"

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4 {

bool NodeTable::ByNumber::less(const Node& a, const Node& b) {
  return a.disk_number() < b.disk_number();
}

Node* NodeTable::find_locked(uint32_t number) {
  Node* node = nodes_.lower_bound([&](const Node& at) { return at.disk_number() < number; });
  return node != nullptr && node->disk_number() == number ? node : nullptr;
}

bool NodeTable::contains(uint32_t number) {
  Guard guard(lock_);
  return find_locked(number) != nullptr;
}

Result<Ref<Node>> NodeTable::get(uint32_t number) {
  if (!volume_.geometry().is_inode(number))
    return volume_.corrupted(0, "bad inode number: {}", number);
  Mutex<LockRank::Ext4Load>& load_lock = load_locks_[number % kLoadLocks];
  for (;;) {
    {
      Guard guard(lock_);
      Node* node = find_locked(number);
      if (node != nullptr && node->try_ref()) return Ref<Node>::adopt(*node);
    }
    {
      Guard loading(load_lock);
      if (!contains(number)) {
        Ref<Node> node = TRY(Node::load(volume_, number));
        insert(*node);
        return node;
      }
    }
    // It is dying, or came in between: look again when it has gone.
    TRY(gone_.wait(
        [&] {
          Guard guard(lock_);
          Node* node = find_locked(number);
          return node == nullptr || node->ref_count() != 0;
        },
        WaitMode::Uninterruptible));
  }
}

void NodeTable::insert(Node& node) {
  Guard guard(lock_);
  nodes_.insert(node);
}

void NodeTable::remove(Node& node) {
  {
    Guard guard(lock_);
    if (static_cast<ListNode<Node, DirtyTag>&>(node).is_linked()) dirty_.remove(node);
    if (node.TreeNode<Node, NumberTag>::is_in_tree()) nodes_.remove(node);
  }
  gone_.wake_all();
}

void NodeTable::note_dirty(Node& node) {
  Guard guard(lock_);
  if (!static_cast<ListNode<Node, DirtyTag>&>(node).is_linked()) dirty_.push_back(node);
}

void NodeTable::note_clean(Node& node) {
  Guard guard(lock_);
  if (static_cast<ListNode<Node, DirtyTag>&>(node).is_linked()) dirty_.remove(node);
}

Result<> NodeTable::store_dirty() {
  Result<> result;
  for (;;) {
    Optional<Ref<Node>> node;
    {
      Guard guard(lock_);
      while (Node* first = dirty_.pop_front()) {
        if (!first->try_ref()) continue;  // its end writes it
        node = Ref<Node>::adopt(*first);
        break;
      }
    }
    if (!node) return result;
    Result<> stored = node->store_if_dirty();
    if (stored.failed_with(Errno::NoMem)) {
      note_dirty(*node);  // it and the others are tried again at the next commit
      return stored;
    }
    if (!stored.ok() && result.ok()) result = stored.error();
  }
}

}  // namespace kernel::ext4
