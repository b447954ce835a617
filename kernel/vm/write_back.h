// SPDX-License-Identifier: MIT
// The dirty files of one file system, in the order in which they became so.
#pragma once

#include "vm/disk_object.h"
#include "vm/page_cache.h"
#include "vm/visited_list.h"

namespace kernel {

// The files of one mounted file system or block device; a member of its superblock.
class WriteBackGroup : public VisitedNode<WriteBackGroup> {
 public:
  WriteBackGroup();
  ~WriteBackGroup();

  // Everything that is dirty now goes to the disk; waits for it. For SuperBlock::synchronise(),
  // which then commits its journal and flushes the device. The first error of any file.
  Result<> synchronise();
  // Of any file's write-back: syncfs(2).
  ErrorSequence errors;

  // --- For DiskObject.
  void add(DiskObject& object);
  void remove(DiskObject& object);

  // --- For the flusher.
  // Writes the file that has been dirty longest, if that is since before `since`; false: none is.
  Result<bool> write_oldest(Nanoseconds since);
  // One group after the other, from null to null; none ends while it is visited.
  static WriteBackGroup* next_visited(WriteBackGroup* before);

 private:
  static constexpr uint64_t kEndOfFile = ~uint64_t{0} >> 1;
  Optional<Ref<DiskObject>> take_oldest(Nanoseconds since);
  void give_back(DiskObject& object, Nanoseconds began);

  // Held while one file is written, so that synchronise() waits for what the flusher writes.
  Mutex<LockRank::WriteBackGroup> turn_;
  SpinLock<LockRank::Leaf> lock_;
  List<DiskObject, DirtyObjectTag> dirty_ GUARDED_BY(lock_);
};

}  // namespace kernel
