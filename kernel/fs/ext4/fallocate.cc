// SPDX-License-Identifier: MIT
// fallocate(2), in all its modes. The inode's lock is held.

#include "fs/ext4/extents.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4 {
namespace {

constexpr uint32_t kKeepSize = 1, kPunchHole = 2, kCollapse = 8, kZeroRange = 16, kInsert = 32;

}  // namespace

Result<> Node::allocate(uint32_t mode, uint64_t start, uint64_t length) {
  constexpr uint32_t kKnown = kKeepSize | kPunchHole | kCollapse | kZeroRange | kInsert;
  if ((mode & ~kKnown) != 0 || !data_) return Errno::OpNotSupp;
  if (volume().read_only()) return Errno::RoFs;
  if (has_inline_data()) TRY(Data::leave_inode(*this));
  if (!has_extents() && mode != (kPunchHole | kKeepSize)) return Errno::OpNotSupp;
  uint64_t end = start + length;
  if (end > volume().geometry().max_file_size(has_extents()) && (mode & kPunchHole) == 0)
    return Errno::FBig;
  Result<> result;
  if ((mode & kPunchHole) != 0) {
    result = punch_hole(start, end);
  } else if ((mode & kCollapse) != 0) {
    result = collapse_range(start, end);
  } else if ((mode & kInsert) != 0) {
    result = insert_range(start, length);
  } else if ((mode & kZeroRange) != 0) {
    result = zero_range(start, end, (mode & kKeepSize) != 0);
  } else {
    result = preallocate(start, end, (mode & kKeepSize) != 0);
  }
  TRY(std::move(result));
  touch(false, mode != kKeepSize, true);
  return {};
}

// Blocks for every hole; what they hold is not to be read.
Result<> Node::preallocate(uint64_t start, uint64_t end, bool keep_size) {
  Volume& owner = volume();
  unsigned shift = owner.geometry().block_shift;
  auto first = static_cast<uint32_t>(start >> shift);
  auto last = static_cast<uint32_t>((end + owner.geometry().block_size - 1) >> shift);
  while (first < last) {
    constexpr uint32_t kPiece = kMaxUnwrittenLength;
    uint32_t piece_end = last - first > kPiece ? first + kPiece : last;
    TRY(owner.with_retries([&]() -> Result<> {
      Handle handle = TRY(owner.start(4 * block_map::kCredits));
      Result<> given = Data::give_blocks(handle, *this, first, piece_end, RunState::Unwritten);
      note_change(handle);
      return given;
    }));
    first = piece_end;
  }
  if (keep_size || end <= data_->size()) return {};
  return grow(end);
}

// The parts of pages at both ends are zeroed where they are; pages and blocks between them go.
Result<> Node::punch_hole(uint64_t start, uint64_t end) {
  const Geometry& geometry = volume().geometry();
  uint64_t size = data_->size();
  if (start >= size) return {};
  // What lies in the last page behind the end of the file goes with it.
  if (end > size) end = align_up(size, kPageSize);
  uint64_t first_page = align_up(start, kPageSize), last_page = align_down(end, kPageSize);
  if (first_page > last_page) {
    TRY(zero_written(start, end));
  } else {
    TRY(zero_written(start, first_page));
    TRY(zero_written(last_page, end));
  }
  uint64_t mask = geometry.block_size - 1;
  auto first = static_cast<uint32_t>((start + mask) >> geometry.block_shift);
  auto last = static_cast<uint32_t>(end >> geometry.block_shift);
  if (first >= last) return {};
  Data::BlockChange change(*data_);
  if (first_page < last_page) data_->punch(first_page, last_page);
  return remove_blocks(first, last);
}

// As a hole, but that the blocks stay: they become unwritten ones.
Result<> Node::zero_range(uint64_t start, uint64_t end, bool keep_size) {
  uint64_t size = data_->size();
  if (start < size) TRY(punch_hole(start, end < size ? end : size));
  return preallocate(start, end, keep_size);
}

// --- Collapse and insert ------------------------------------------------------------------------

// Everything from there on is on the disk and not in memory any more. The fill lock is held.
Result<> Node::write_out_from(uint64_t start) {
  uint64_t first = align_down(start, kPageSize);
  TRY(data_->write_back(first, Data::kEverything));
  data_->punch(first, align_up(data_->size(), kPageSize));
  return {};
}

// Moves what lies at or behind `first`, a step a handle.
Result<> Node::move_extents(uint32_t first, int64_t distance) {
  uint32_t cursor = distance < 0 ? first : block_map::kEnd;
  while (true) {
    Handle handle = TRY(volume().start(block_map::kCredits));
    Guard guard(map_lock);
    cursor = TRY(extents::shift_one(handle, *this, cursor, first, distance));
    if (cursor == block_map::kEnd) return {};
    TRY(store_locked(handle));
    note_change(handle);
  }
}

Result<> Node::collapse_range(uint64_t start, uint64_t end) {
  const Geometry& geometry = volume().geometry();
  uint64_t mask = geometry.block_size - 1;
  if (((start | end) & mask) != 0) return Errno::Inval;
  if (end >= data_->size()) return Errno::Inval;
  uint64_t size = data_->size() - (end - start);
  TRY(data_->write_back(align_down(start, kPageSize), Data::kEverything));
  Data::BlockChange change(*data_);
  TRY(write_out_from(start));
  auto first = static_cast<uint32_t>(start >> geometry.block_shift);
  auto last = static_cast<uint32_t>(end >> geometry.block_shift);
  volume().blocks().close_window(window);
  TRY(remove_blocks(first, last));
  TRY(move_extents(last, -int64_t{last - first}));
  data_->set_size(size);
  return record_size(size);
}

Result<> Node::insert_range(uint64_t start, uint64_t length) {
  const Geometry& geometry = volume().geometry();
  uint64_t mask = geometry.block_size - 1;
  if (((start | length) & mask) != 0) return Errno::Inval;
  if (start >= data_->size()) return Errno::Inval;
  uint64_t size = data_->size() + length;
  if (size > geometry.max_file_size(true)) return Errno::FBig;
  TRY(data_->write_back(align_down(start, kPageSize), Data::kEverything));
  Data::BlockChange change(*data_);
  TRY(write_out_from(start));
  volume().blocks().close_window(window);
  TRY(record_size(size));
  data_->set_size(size);
  auto first = static_cast<uint32_t>(start >> geometry.block_shift);
  {
    Handle handle = TRY(volume().start(2 * block_map::kCredits));
    Guard guard(map_lock);
    TRY(extents::split_at(handle, *this, first));
    TRY(store_locked(handle));
  }
  return move_extents(first, static_cast<int64_t>(length >> geometry.block_shift));
}

}  // namespace kernel::ext4
