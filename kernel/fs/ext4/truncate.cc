// SPDX-License-Identifier: MIT
// Changes of a file's size: truncate(2), and the blocks that go with it. The inode's lock is held.

#include "fs/ext4/extents.h"
#include "fs/ext4/inline_data.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4 {

Result<> Node::remove_blocks(uint32_t first, uint32_t end) {
  Volume& owner = volume();
  unsigned once = block_map::kRemoveCredits;
  unsigned most = owner.journal().max_credits() / 2;
  unsigned credits = once * 4 < most ? once * 4 : most > once ? most : once;
  for (bool done = false; !done;) {
    Handle handle = TRY(owner.start(credits + 1, block_map::kMaxRevokesAtOnce + kMaxExtentDepth));
    Guard guard(map_lock);
    Result<bool> removed = block_map::remove_some_locked(handle, *this, first, end);
    Result<> stored = store_locked(handle);
    note_change(handle);
    done = TRY(std::move(removed));
    TRY(std::move(stored));
  }
  return {};
}

Result<> Node::free_blocks_behind() {
  const Geometry& geometry = volume().geometry();
  if (!has_block_map()) return {};
  uint64_t first = (disk_size() + geometry.block_size - 1) >> geometry.block_shift;
  if (first >= block_map::kEnd) return {};
  return remove_blocks(static_cast<uint32_t>(first), block_map::kEnd);
}

// The size on the disk, now.
Result<> Node::record_size(uint64_t size) {
  Handle handle = TRY(volume().start(3));
  if (size >= uint64_t{1} << 31)
    TRY(volume().require_read_only_feature(handle, kReadOnlyLargeFile));
  set_disk_size(size);
  note_change(handle);
  return store(handle);
}

// Within one page: zeros where blocks hold something. Holes stay holes.
Result<> Node::zero_written(uint64_t start, uint64_t end) {
  unsigned shift = volume().geometry().block_shift;
  uint64_t last = data_->size() < end ? data_->size() : end;
  while (start < last) {
    auto logical = static_cast<uint32_t>(start >> shift);
    BlockRun run = TRY(block_map::find(*this, logical, logical + 1));
    uint64_t behind = uint64_t{logical + 1} << shift;
    if (behind > end) behind = end;
    if (run.state == RunState::Written) TRY(data_->zero(start, behind));
    start = behind;
  }
  return {};
}

Result<> Node::set_size(uint64_t size) {
  if (!data_) return Errno::Inval;
  const Geometry& geometry = volume().geometry();
  if (volume().read_only()) return Errno::RoFs;
  if (size > geometry.max_file_size(has_extents())) return Errno::FBig;
  if (has_inline_data() && size != data_->size()) TRY(Data::leave_inode(*this));
  uint64_t before = data_->size();
  if (size < before) return shrink(size);
  // Also without a change: blocks that lie behind the end go.
  return size > before ? grow(size) : shrink(size);
}

Result<> Node::grow(uint64_t size) {
  TRY(record_size(size));
  data_->grow(size);
  return {};
}

Result<> Node::shrink(uint64_t size) {
  Volume& owner = volume();
  owner.blocks().close_window(window);
  uint64_t page_end = align_up(size, kPageSize);
  // What lies behind the end must read as zeros when the file grows again.
  if (size < data_->size()) TRY(zero_written(size, page_end));
  Data::BlockChange change(*data_);
  {
    Handle handle = TRY(owner.start(6));
    TRY(owner.orphans().add(handle, *this));
    handle.order(*data_);
    set_disk_size(size);
    note_change(handle);
    TRY(store(handle));
  }
  data_->set_size(size);
  data_->truncate(size);
  TRY(free_blocks_behind());
  Handle handle = TRY(owner.start(6));
  TRY(owner.orphans().remove(handle, *this));
  return store(handle);
}

}  // namespace kernel::ext4
