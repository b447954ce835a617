// SPDX-License-Identifier: MIT
// The nodes of a volume that are in memory, by number: never two for one number. A node whose last
// reference has gone stays in the table until its end is on the disk; who asks for it meanwhile
// waits, and then reads it anew. And those that are newer in memory than in the inode table.
#pragma once

#include "lib/ref.h"
#include "lib/tree.h"
#include "sched/mutex.h"
#include "sched/wait_queue.h"

namespace kernel::ext4 {

class Node;
class Volume;
struct NumberTag;
struct DirtyTag;

class NodeTable : public Pinned {
 public:
  explicit NodeTable(Volume& volume) : volume_(volume) {}

  Result<Ref<Node>> get(uint32_t number);
  // A node that was just made.
  void insert(Node& node);
  // The end of a node: nothing of it is to be written any more.
  void remove(Node& node);

  void note_dirty(Node& node);
  void note_clean(Node& node);
  // Writes all that are dirty into the inode table. The first error.
  Result<> store_dirty();

 private:
  struct ByNumber {
    static bool less(const Node& a, const Node& b);
  };
  Node* find_locked(uint32_t number) REQUIRES(lock_);
  bool contains(uint32_t number);

  static constexpr size_t kLoadLocks = 16;
  Volume& volume_;
  // Over the reading of one inode, by number: who is second finds it.
  Mutex<LockRank::Ext4Load> load_locks_[kLoadLocks];
  SpinLock<LockRank::Ext4Nodes> lock_;
  Tree<Node, ByNumber, NumberTag> nodes_ GUARDED_BY(lock_);
  List<Node, DirtyTag> dirty_ GUARDED_BY(lock_);
  WaitQueue gone_;
};

}  // namespace kernel::ext4
