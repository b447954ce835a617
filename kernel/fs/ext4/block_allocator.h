// SPDX-License-Identifier: MIT
// Which blocks are given to whom. Bitmaps and counts on the disk are Groups'; here is, in memory
// only, what is free there and yet not to be had:
//   - blocks that were freed by a transaction that has not committed: after a power cut they belong
//     to who had them before, so nobody's data may go there meanwhile;
//   - windows: blocks behind the end of a file that grows, kept for it, so that files that are
//     written at the same time do not interleave. Given back when space is short.
#pragma once

#include "fs/ext4/groups.h"

namespace kernel::ext4 {

struct BlockRange {
  uint64_t first = 0;
  uint32_t count = 0;
};

// The blocks that a file has kept for itself; a member of its inode. Guarded by Groups::lock.
struct Window : ListNode<Window> {
  BlockRange range;
};

enum class BlockUse : uint8_t { Data, Metadata };

class BlockAllocator : public Pinned {
 public:
  BlockAllocator(Volume& volume, Groups& groups) : volume_(volume), groups_(groups) {}
  ~BlockAllocator();
  Result<> load();

  struct Request {
    uint64_t goal = 0;         // near which; 0: anywhere
    uint32_t wanted = 1;       // 1 to `wanted` consecutive ones come back
    Window* window = nullptr;  // of the file that asks
    uint32_t keep = 0;         // how many more its window shall have
  };
  // Errors: NoSpc, BadMsg, Io, NoMem, RoFs. Of the handle's credits: 2.
  Result<BlockRange> allocate(Handle& handle, const Request& request);
  // Metadata is revoked as well. Of the handle's credits: 2 for each group.
  Result<> free(Handle& handle, BlockRange range, BlockUse use);
  void close_window(Window& window);
  // Blocks that a commit would set free.
  bool has_pending() const { return pending_.load_relaxed() != 0; }
  // FITRIM and the like are not here; `discard` works at each commit.

  uint64_t available() const;  // to those who may not use the reserve
  void set_reserved(uint64_t blocks) { reserved_.store_relaxed(blocks); }

 private:
  struct GroupState {
    uint8_t* busy = nullptr;  // a bit a block: not to be had, whatever the bitmap says
    uint32_t count = 0;
  };
  class Freed;
  struct Found {
    uint32_t first = 0;
    uint32_t count = 0;
  };

  bool may_use_reserve() const;
  Result<BlockRange> take_from_window(Handle& handle, const Request& request)
      REQUIRES(groups_.lock);
  Result<BlockRange> search(Handle& handle, const Request& request) REQUIRES(groups_.lock);
  Result<BlockRange> search_groups(Handle& handle, const Request& request) REQUIRES(groups_.lock);
  Result<BlockRange> search_group(Handle& handle, uint32_t group, const Request& request,
                                  uint32_t least) REQUIRES(groups_.lock);
  Found find_run(uint32_t group, Buffer& bitmap, uint32_t from, uint32_t wanted)
      REQUIRES(groups_.lock);
  void open_window(uint32_t group, Buffer& bitmap, uint32_t from, const Request& request)
      REQUIRES(groups_.lock);
  void drop_window(Window& window) REQUIRES(groups_.lock);
  void drop_windows() REQUIRES(groups_.lock);
  Result<> free_in_group(Handle& handle, uint32_t group, BlockRange range) REQUIRES(groups_.lock);
  Result<> note_freed(Handle& handle, BlockRange range) REQUIRES(groups_.lock);
  void freed_committed(Freed& freed, bool committed);
  Result<> make_busy(BlockRange range) REQUIRES(groups_.lock);
  void make_idle(BlockRange range) REQUIRES(groups_.lock);
  BitArray busy_bits(uint32_t group) REQUIRES(groups_.lock);

  Volume& volume_;
  Groups& groups_;
  Vector<GroupState> states_ GUARDED_BY(groups_.lock);
  List<Window> windows_ GUARDED_BY(groups_.lock);
  Freed* freed_ GUARDED_BY(groups_.lock) = nullptr;  // of the newest transaction
  Atomic<uint64_t> pending_;                         // blocks freed, not committed
  Atomic<uint64_t> reserved_;
};

}  // namespace kernel::ext4
