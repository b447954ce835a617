// SPDX-License-Identifier: MIT
// The contents of a regular file: its page cache, filled from and written to the blocks that the
// node's map names. A write gets its blocks before the bytes change, under a journal handle that
// stays open until they have: so the data is dirty when the transaction can commit, and the
// transaction, which orders it, writes it first.
#pragma once

#include "fs/ext4/block_map.h"
#include "fs/vfs/inode_object.h"

namespace kernel::ext4 {

class Node;

class Data final : public InodeObject, public jbd2::OrderedData {
 public:
  Data(Node& node, WriteBackGroup& group);

  static constexpr uint64_t kEverything = ~uint64_t{0} >> 1;
  Result<> write_back_all() { return write_back(0, kEverything); }
  // SEEK_DATA and SEEK_HOLE, from the block map. What is there but unwritten counts as a hole.
  Result<uint64_t> seek(uint64_t offset, bool want_data) override;
  void flush_ordered() override { ignore(write_back_all()); }  // the object remembers errors

  // Blocks for the holes of [first, end), all or none; with Written, what is there unwritten
  // becomes written too. The inode's lock is held, or the fill lock.
  static Result<> give_blocks(jbd2::Handle& handle, Node& node, uint32_t first, uint32_t end,
                              RunState state);
  // Contents that lie in the inode go to a block.
  static Result<> leave_inode(Node& node);

 protected:
  Result<> read_pages(uint64_t first, std::span<const PhysAddr> pages) override;
  Result<> write_pages(uint64_t first, std::span<const PhysAddr> pages) override;
  Result<> prepare_write(PendingWrite& write) override;
  void finish_write(PendingWrite& write, uint64_t reached) override;
  uint32_t block_size() const override;

 private:
  Result<> prepare_once(PendingWrite& write);
  Result<> read_inline(uint64_t first, std::span<const PhysAddr> pages);
  Result<bool> needs_change(uint32_t first, uint32_t end);  // blocks that are not written yet

  Node& node_;
};

}  // namespace kernel::ext4
