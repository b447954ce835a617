// SPDX-License-Identifier: MIT
// Inodes that are to be deleted or cut when nobody has them open, on record on the disk so that a
// mount after a crash does it: a chain from the superblock through the inodes' deletion times, or
// numbers in the orphan file, with that feature.
#pragma once

#include "fs/jbd2/journal.h"
#include "lib/list.h"
#include "sched/mutex.h"

namespace kernel::ext4 {

class Node;
class Volume;
struct OrphanTag;
using jbd2::Buffer;
using jbd2::Handle;

class Orphans : public Pinned {
 public:
  explicit Orphans(Volume& volume) : volume_(volume) {}

  // Finds the orphan file.
  Result<> load();
  // Credits: 4 each. The node is stored by them where its record is in it.
  Result<> add(Handle& handle, Node& node);
  Result<> remove(Handle& handle, Node& node);
  // The node ends without having been deleted: the record on the disk stays.
  void forget(Node& node);
  // At mount, for writing: does what is on record. What cannot be done is logged.
  void process();
  // Nothing is in the orphan file.
  bool is_file_empty();
  bool has_file() const { return !file_blocks_.empty(); }

 private:
  Result<bool> add_to_file(Handle& handle, Node& node) REQUIRES(lock_);
  Result<> remove_from_file(Handle& handle, Node& node) REQUIRES(lock_);
  Result<Ref<Buffer>> file_block(size_t index) REQUIRES(lock_);
  uint32_t checksum(const Buffer& buffer) const;
  size_t slots() const;
  bool process_one(uint32_t number);
  void process_chain();
  void process_file();

  Volume& volume_;
  Mutex<LockRank::Ext4Orphans> lock_;
  List<Node, OrphanTag> chain_ GUARDED_BY(lock_);  // as on the disk, the newest first
  Vector<uint64_t> file_blocks_;
  uint32_t file_seed_ = 0;
};

}  // namespace kernel::ext4
