// SPDX-License-Identifier: MIT
// See data.h.

#include "fs/ext4/data.h"

#include "fs/ext4/inline_data.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4 {
namespace {

// Consecutive pages as parts: bytes [start, end) counted from the first page's beginning.
class PageBytes {
 public:
  explicit PageBytes(std::span<const PhysAddr> pages) : pages_(pages) {}
  size_t size() const { return pages_.size() * kPageSize; }
  template <class Use>
  void each(uint64_t start, uint64_t end, Use use) const {
    while (start < end) {
      size_t in_page = start & (kPageSize - 1);
      size_t part = kPageSize - in_page;
      if (part > end - start) part = end - start;
      use(pages_[start >> kPageShift] + in_page, static_cast<uint32_t>(part));
      start += part;
    }
  }
  void zero(uint64_t start, uint64_t end) const {
    each(start, end,
         [](PhysAddr at, uint32_t size) { __builtin_memset(frames::frame_data(at), 0, size); });
  }

 private:
  std::span<const PhysAddr> pages_;
};

// Between pages and one run of blocks.
Result<> transfer(Volume& volume, BlockOperation operation, uint64_t block, const PageBytes& pages,
                  uint64_t start, uint64_t end) {
  BlockSegment segments[DiskObject::kRunPages];
  size_t count = 0;
  pages.each(start, end, [&](PhysAddr at, uint32_t size) { segments[count++] = {at, size}; });
  BlockRequest request;
  request.operation = operation;
  request.sector = block << (volume.geometry().block_shift - kSectorShift);
  request.segments = {segments, count};
  return volume.device().execute(request);
}

}  // namespace

Data::Data(Node& node, WriteBackGroup& group) : InodeObject(group, node), node_(node) {}

uint32_t Data::block_size() const { return node_.volume().geometry().block_size; }

Result<> Data::read_pages(uint64_t first, std::span<const PhysAddr> pages) {
  if (node_.has_inline_data()) return read_inline(first, pages);
  Volume& volume = node_.volume();
  unsigned shift = volume.geometry().block_shift;
  PageBytes bytes(pages);
  uint64_t base = first << kPageShift;
  uint64_t limit = volume.geometry().max_file_blocks(node_.has_extents());
  uint64_t logical = base >> shift, end = (base + bytes.size()) >> shift;
  while (logical < end) {
    BlockRun run{0, static_cast<uint32_t>(end - logical), 0, RunState::Hole};
    if (logical < limit) {
      auto last = static_cast<uint32_t>(end < limit ? end : limit);
      run = TRY(block_map::find(node_, static_cast<uint32_t>(logical), last));
    }
    uint64_t start = (logical << shift) - base, stop = start + (uint64_t{run.count} << shift);
    if (run.state == RunState::Written) {
      TRY(transfer(volume, BlockOperation::Read, run.physical, bytes, start, stop));
    } else {
      bytes.zero(start, stop);
    }
    logical += run.count;
  }
  return {};
}

Result<> Data::read_inline(uint64_t first, std::span<const PhysAddr> pages) {
  PageBytes(pages).zero(0, pages.size() * kPageSize);
  if (first != 0) return {};
  TRY(inline_data::read(node_, {frames::frame_data(pages[0]), kPageSize}));
  return {};
}

// Blocks that a page covers and nobody wrote to are holes still, and stay so.
Result<> Data::write_pages(uint64_t first, std::span<const PhysAddr> pages) {
  Volume& volume = node_.volume();
  unsigned shift = volume.geometry().block_shift;
  PageBytes bytes(pages);
  uint64_t base = first << kPageShift;
  uint64_t stop_at = align_up(size(), uint64_t{1} << shift);
  if (stop_at > base + bytes.size()) stop_at = base + bytes.size();
  for (uint64_t logical = base >> shift, end = stop_at >> shift; logical < end;) {
    BlockRun run =
        TRY(block_map::find(node_, static_cast<uint32_t>(logical), static_cast<uint32_t>(end)));
    if (run.state == RunState::Written) {
      uint64_t start = (logical << shift) - base, stop = start + (uint64_t{run.count} << shift);
      TRY(transfer(volume, BlockOperation::Write, run.physical, bytes, start, stop));
    }
    logical += run.count;
  }
  return {};
}

// --- Before and behind a write ------------------------------------------------------------

namespace {

// Blocks that one write has been given, to be taken back when it cannot get all.
class GivenBlocks : public Pinned {
 public:
  GivenBlocks(jbd2::Handle& handle, Node& node) : handle_(handle), node_(node) {}
  Result<> make_room() { return runs_.reserve(runs_.size() + 1); }
  void add(const BlockRun& run) { runs_.append_reserved(run); }
  // With the map lock held.
  void take_back() {
    for (const BlockRun& run : runs_) {
      unsigned needed = block_map::kRemoveCredits;
      if (handle_.credits() < needed) ignore(handle_.extend(needed, 1));
      // What stays lies in the file without having been written: zeros would be right, and the disk
      // has had no space for them. fsck can tell nothing wrong with it.
      ignore(block_map::remove_some_locked(handle_, node_, run.logical, run.end()));
    }
  }

 private:
  jbd2::Handle& handle_;
  Node& node_;
  Vector<BlockRun> runs_;
};

// Joins the credits of start(): only what one step more may need.
Result<> ensure_credits(jbd2::Handle& handle) {
  if (handle.credits() >= block_map::kCredits) return {};
  return handle.extend(block_map::kCredits);
}

Result<> fill_holes(jbd2::Handle& handle, Node& node, uint32_t first, uint32_t end, RunState state,
                    GivenBlocks& given) REQUIRES(node.map_lock) {
  const Geometry& geometry = node.volume().geometry();
  uint64_t size_blocks = (node.disk_size() + geometry.block_size - 1) >> geometry.block_shift;
  while (first < end) {
    BlockRun run = TRY(block_map::find_locked(node, first, end));
    if (run.is_hole()) {
      TRY(ensure_credits(handle));
      TRY(given.make_room());
      block_map::Allocation wanted{first, run.count};
      wanted.state = state;
      wanted.keep_window = state == RunState::Written && run.end() >= size_blocks;
      run = TRY(block_map::allocate_locked(handle, node, wanted));
      given.add(run);
    }
    first = run.end();
  }
  return {};
}

Result<> set_written(jbd2::Handle& handle, Node& node, uint32_t first, uint32_t end)
    REQUIRES(node.map_lock) {
  while (first < end) {
    BlockRun run = TRY(block_map::find_locked(node, first, end));
    uint32_t count = run.count;
    if (run.state == RunState::Unwritten) {
      TRY(ensure_credits(handle));
      count = TRY(block_map::set_written_locked(handle, node, first, count));
    }
    first += count;
  }
  return {};
}

}  // namespace

Result<> Data::give_blocks(jbd2::Handle& handle, Node& node, uint32_t first, uint32_t end,
                           RunState state) {
  Guard guard(node.map_lock);
  GivenBlocks given(handle, node);
  Result<> result = fill_holes(handle, node, first, end, state, given);
  if (result.ok() && state == RunState::Written) result = set_written(handle, node, first, end);
  if (!result.ok()) given.take_back();
  Result<> stored = node.store_locked(handle);
  return result.ok() ? stored : result;
}

// Whether [first, end) has blocks that are not written yet.
Result<bool> Data::needs_change(uint32_t first, uint32_t end) {
  while (first < end) {
    BlockRun run = TRY(block_map::find(node_, first, end));
    if (run.state != RunState::Written) return true;
    first += run.count;
  }
  return false;
}

Result<> Data::prepare_write(PendingWrite& write) {
  return node_.volume().with_retries([&] { return prepare_once(write); });
}

// The file does not fit in its inode any more, or is about to change: its bytes go to a block. They
// are there before the handle ends, so no order between pages and the transaction is needed.
Result<> Data::leave_inode(Node& node) {
  Volume& volume = node.volume();
  const Geometry& geometry = volume.geometry();
  Vector<uint8_t> bytes;
  TRY(bytes.resize(geometry.block_size));
  size_t count = TRY(inline_data::read(node, bytes.span()));
  Handle handle = TRY(volume.start(3 * block_map::kCredits));
  TRY(inline_data::discard(handle, node));
  node.note_change(handle);
  if (count == 0) return {};
  TRY(give_blocks(handle, node, 0, 1, RunState::Written));
  BlockRun run = TRY(block_map::find(node, 0, 1));
  return volume.device().write(run.physical << geometry.block_shift, bytes.span());
}

Result<> Data::prepare_once(PendingWrite& write) {
  Volume& volume = node_.volume();
  if (volume.read_only()) return Errno::RoFs;
  // A store to a mapping is told of here only; and the times go with the size, when that changes.
  node_.touch(false, true, true);
  const Geometry& geometry = volume.geometry();
  if (node_.has_inline_data()) TRY(leave_inode(node_));
  uint64_t end = write.end;
  if (write.cause == PendingWrite::Cause::Mapping && end > size()) end = size();
  if (end <= write.start) return {};
  if (end > geometry.max_file_size(node_.has_extents())) return Errno::FBig;
  auto first = static_cast<uint32_t>(write.start >> geometry.block_shift);
  auto last = static_cast<uint32_t>((end + geometry.block_size - 1) >> geometry.block_shift);
  bool changes_map = TRY(needs_change(first, last));
  if (!changes_map && end <= node_.disk_size()) return {};
  // An allocation of all at once is the rule; pieces extend the handle.
  Handle opened = TRY(volume.start(2 * block_map::kCredits + 2));
  Owned<Handle> handle = TRY(make_owned<Handle>(std::move(opened)));
  if (end > uint64_t{1} << 31) TRY(volume.require_read_only_feature(*handle, kReadOnlyLargeFile));
  if (changes_map) {
    // Before anything can be allocated that the transaction would show.
    handle->order(*this);
    node_.note_change(*handle);
    TRY(give_blocks(*handle, node_, first, last, RunState::Written));
  }
  write.state = std::move(handle).leak();
  return {};
}

void Data::finish_write(PendingWrite& write, uint64_t reached) {
  if (write.state == nullptr) return;
  Owned<Handle> handle = Owned<Handle>::adopt(static_cast<Handle*>(write.state));
  write.state = nullptr;
  if (write.cause == PendingWrite::Cause::Mapping || reached <= node_.disk_size()) return;
  node_.set_disk_size(reached);
  // The buffer is in memory; when the journal was aborted nothing more reaches the disk anyway.
  ignore(node_.store(*handle));
  node_.note_change(*handle);
}

Result<uint64_t> Data::seek(uint64_t offset, bool want_data) {
  uint64_t end = size();
  if (offset >= end) return Errno::NxIo;
  if (node_.has_inline_data()) return want_data ? offset : end;
  const Geometry& geometry = node_.volume().geometry();
  unsigned shift = geometry.block_shift;
  uint64_t limit = (end + geometry.block_size - 1) >> shift;
  if (limit > block_map::kEnd) limit = block_map::kEnd;
  for (uint64_t logical = offset >> shift; logical < limit;) {
    BlockRun run =
        TRY(block_map::find(node_, static_cast<uint32_t>(logical), static_cast<uint32_t>(limit)));
    uint64_t start = logical << shift;
    if ((run.state == RunState::Written) == want_data) return start > offset ? start : offset;
    logical += run.count;
  }
  return want_data ? Result<uint64_t>(Errno::NxIo) : end;
}

}  // namespace kernel::ext4
