// SPDX-License-Identifier: MIT
// See block_allocator.h. The search begins at the goal, then in its group, then in the groups
// behind it, cyclically: first for a run of all that is wanted, then for any.

#include "fs/ext4/block_allocator.h"

#include "fs/ext4/volume.h"
#include "fs/vfs/identity.h"

namespace kernel::ext4 {

// What one transaction freed: to be had again when it has committed.
class BlockAllocator::Freed final : public jbd2::CommitCallback {
 public:
  Freed(BlockAllocator& allocator, jbd2::TransactionId transaction)
      : allocator_(allocator), transaction_(transaction) {}
  void transaction_ended(Result<> status) override {
    allocator_.freed_committed(*this, status.ok());
  }
  jbd2::TransactionId transaction() const { return transaction_; }
  Result<> add(BlockRange range) {
    if (!ranges_.empty() && ranges_.back().first + ranges_.back().count == range.first) {
      ranges_.back().count += range.count;
      return {};
    }
    return ranges_.append(range);
  }
  std::span<const BlockRange> ranges() const { return ranges_.span(); }

 private:
  BlockAllocator& allocator_;
  jbd2::TransactionId transaction_;
  Vector<BlockRange> ranges_;
};

BlockAllocator::~BlockAllocator() {
  Guard guard(groups_.lock);
  for (GroupState& state : states_) operator delete(static_cast<void*>(state.busy));
}

Result<> BlockAllocator::load() {
  Guard guard(groups_.lock);
  if (states_.size() == volume_.geometry().groups) return {};
  return states_.resize(volume_.geometry().groups);
}

// The reserve is root's, and that of the users that the superblock or the options name.
bool BlockAllocator::may_use_reserve() const {
  const Credentials& who = vfs::acting_credentials();
  const Options& options = volume_.options();
  return who.fsuid == options.reserved_uid ||
         (options.reserved_gid != 0 && who.in_group(options.reserved_gid)) ||
         who.has(Capability::SysResource);
}

uint64_t BlockAllocator::available() const {
  uint64_t free = groups_.total_free_blocks(), kept = reserved_.load_relaxed();
  return free > kept ? free - kept : 0;
}

Result<BlockRange> BlockAllocator::allocate(Handle& handle, const Request& asked) {
  Request request = asked;
  uint64_t room = may_use_reserve() ? groups_.total_free_blocks() : available();
  if (room == 0) return Errno::NoSpc;
  if (request.wanted > room) request.wanted = static_cast<uint32_t>(room);
  Guard guard(groups_.lock);
  Result<BlockRange> kept = take_from_window(handle, request);
  if (kept.ok()) return kept;
  if (kept.failed_with(Errno::NoSpc)) {
    Result<BlockRange> near = search(handle, request);
    if (!near.failed_with(Errno::NoSpc) || windows_.empty()) return near;
    drop_windows();
    request.keep = 0;
    return search(handle, request);
  }
  return kept;
}

Result<BlockRange> BlockAllocator::search(Handle& handle, const Request& request) {
  BlockRange found = TRY(search_groups(handle, request));
  if (!groups_.may_be_data(found.first, found.count))
    return volume_.corrupted(0, "allocating system blocks {}-{}", found.first,
                             found.first + found.count - 1);
  return found;
}

Result<BlockRange> BlockAllocator::search_groups(Handle& handle, const Request& request) {
  const Geometry& geometry = volume_.geometry();
  uint32_t first = 0;
  if (request.goal > geometry.first_data_block && request.goal < geometry.blocks)
    first = geometry.group_of_block(request.goal);
  // All at once near the goal; then the largest that is there.
  uint32_t least = request.wanted;
  for (;;) {
    for (uint32_t step = 0; step < geometry.groups; ++step) {
      uint32_t group = static_cast<uint32_t>((uint64_t{first} + step) % geometry.groups);
      uint32_t free = groups_.free_blocks(group);
      if (free == 0 || groups_.is_bad(group)) continue;
      // The goal's own group is taken as it is if the goal itself is free: a file goes on.
      if (free < least && step != 0) continue;
      Request here = request;
      if (step != 0) here.goal = 0;
      Result<BlockRange> found = search_group(handle, group, here, least);
      if (found.ok() || found.failed_with(Errno::NoMem) || found.failed_with(Errno::RoFs))
        return found;
    }
    if (least == 1) return Errno::NoSpc;
    least = least > 64 ? least / 8 : 1;
  }
}

Result<BlockRange> BlockAllocator::search_group(Handle& handle, uint32_t group,
                                                const Request& request, uint32_t least) {
  const Geometry& geometry = volume_.geometry();
  TRY(groups_.begin(handle, group));
  bool initialises = groups_.has_flag(group, kGroupBlocksUninitialised);
  Ref<Buffer> bitmap = TRY(groups_.block_bitmap_for_change(handle, group));
  uint64_t start = geometry.group_start(group);
  uint32_t from = request.goal == 0 ? 0 : static_cast<uint32_t>(request.goal - start);
  Found found = find_run(group, *bitmap, from, request.wanted);
  bool at_goal = request.goal != 0 && found.first == from && found.count != 0;
  if (found.count < least && !at_goal) {
    if (from != 0) {
      Found before = find_run(group, *bitmap, 0, request.wanted);
      if (before.count > found.count) found = before;
    }
    if (found.count < least) {
      if (initialises) groups_.end(handle, group);
      return Errno::NoSpc;
    }
  }
  // A count that does not fit the bitmap is fsck's to repair.
  if (found.count > groups_.free_blocks(group)) found.count = groups_.free_blocks(group);
  BitArray bits(bitmap->data(), geometry.block_size * 8);
  bits.set_range(found.first, found.count);
  groups_.block_bitmap_changed(handle, group, *bitmap);
  groups_.set_free_blocks(group, groups_.free_blocks(group) - found.count);
  groups_.end(handle, group);
  if (request.window != nullptr && request.keep != 0 && found.count == request.wanted)
    open_window(group, *bitmap, found.first + found.count, request);
  return BlockRange{start + found.first, found.count};
}

// The first run of `wanted` blocks at or behind `from`, or the longest there.
BlockAllocator::Found BlockAllocator::find_run(uint32_t group, Buffer& bitmap, uint32_t from,
                                               uint32_t wanted) {
  const Geometry& geometry = volume_.geometry();
  BitArray bits(bitmap.data(), geometry.block_size * 8);
  uint32_t end = geometry.blocks_in_group(group);
  bool any_busy = states_[group].count != 0;
  Found best;
  while (from < end) {
    uint32_t first = bits.find(false, from, end);
    uint32_t most = end - first < wanted ? end : first + wanted;
    uint32_t behind = bits.find(true, first, most);
    if (any_busy && first < end) {
      BitArray busy = busy_bits(group);
      uint32_t idle = busy.find(false, first, behind);
      if (idle == behind || idle != first) {
        from = idle;
        continue;
      }
      behind = busy.find(true, first, behind);
    }
    if (first < behind && behind - first > best.count) best = {first, behind - first};
    if (best.count >= wanted) break;
    from = behind > first ? behind : end;
  }
  return best;
}

// --- Windows --------------------------------------------------------------------------

Result<BlockRange> BlockAllocator::take_from_window(Handle& handle, const Request& request) {
  Window* window = request.window;
  if (window == nullptr || !window->is_linked()) return Errno::NoSpc;
  BlockRange& range = window->range;
  if (range.first != request.goal) {  // the file goes on elsewhere
    drop_window(*window);
    return Errno::NoSpc;
  }
  const Geometry& geometry = volume_.geometry();
  uint32_t group = geometry.group_of_block(range.first);
  uint32_t count = range.count < request.wanted ? range.count : request.wanted;
  if (groups_.free_blocks(group) < count) {
    drop_window(*window);
    return Errno::NoSpc;
  }
  TRY(groups_.begin(handle, group));
  Ref<Buffer> bitmap = TRY(groups_.block_bitmap_for_change(handle, group));
  auto index = static_cast<uint32_t>(range.first - geometry.group_start(group));
  BlockRange taken{range.first, count};
  make_idle(taken);
  BitArray(bitmap->data(), geometry.block_size * 8).set_range(index, count);
  groups_.block_bitmap_changed(handle, group, *bitmap);
  groups_.set_free_blocks(group, groups_.free_blocks(group) - count);
  groups_.end(handle, group);
  range.first += count;
  range.count -= count;
  if (range.count == 0) {
    windows_.remove(*window);
    if (request.keep != 0) open_window(group, *bitmap, index + count, request);
  }
  return taken;
}

// What directly follows in the same group. Its failure means only that there is none.
void BlockAllocator::open_window(uint32_t group, Buffer& bitmap, uint32_t from,
                                 const Request& request) {
  const Geometry& geometry = volume_.geometry();
  Window& window = *request.window;
  if (window.is_linked()) drop_window(window);
  if (groups_.total_free_blocks() < 16 * uint64_t{request.keep}) return;
  Found found = find_run(group, bitmap, from, request.keep);
  if (found.count == 0 || found.first != from) return;
  window.range = {geometry.group_start(group) + from, found.count};
  if (!make_busy(window.range).ok()) return;
  windows_.push_back(window);
}

void BlockAllocator::drop_window(Window& window) {
  windows_.remove(window);
  make_idle(window.range);
  window.range = {};
}

void BlockAllocator::drop_windows() {
  while (Window* window = windows_.front()) drop_window(*window);
}

void BlockAllocator::close_window(Window& window) {
  Guard guard(groups_.lock);
  if (window.is_linked()) drop_window(window);
}

// --- Freeing -----------------------------------------------------------------------------

Result<> BlockAllocator::free(Handle& handle, BlockRange range, BlockUse use) {
  const Geometry& geometry = volume_.geometry();
  if (!groups_.may_be_data(range.first, range.count))
    return volume_.corrupted(0, "freeing blocks not in data zone - block {}, count {}", range.first,
                             range.count);
  if (use == BlockUse::Metadata) {
    for (uint32_t i = 0; i < range.count; ++i) TRY(handle.revoke(range.first + i));
  }
  Guard guard(groups_.lock);
  while (range.count != 0) {
    uint32_t group = geometry.group_of_block(range.first);
    uint64_t left = geometry.group_start(group) + geometry.blocks_in_group(group) - range.first;
    uint32_t count = range.count < left ? range.count : static_cast<uint32_t>(left);
    TRY(free_in_group(handle, group, {range.first, count}));
    range.first += count;
    range.count -= count;
  }
  return {};
}

Result<> BlockAllocator::free_in_group(Handle& handle, uint32_t group, BlockRange range) {
  const Geometry& geometry = volume_.geometry();
  TRY(groups_.begin(handle, group));
  Result<Ref<Buffer>> bitmap = groups_.block_bitmap_for_change(handle, group);
  if (bitmap.failed_with(Errno::BadMsg)) return {};  // lost until fsck; Linux does the same
  if (!bitmap.ok()) return bitmap.error();
  auto index = static_cast<uint32_t>(range.first - geometry.group_start(group));
  BitArray bits((*bitmap)->data(), geometry.block_size * 8);
  uint32_t in_use = bits.count_set(index, range.count);
  if (in_use != range.count) {
    groups_.end(handle, group);
    return volume_.corrupted(0, "bit already cleared for block {} (count {})", range.first,
                             range.count);
  }
  TRY(note_freed(handle, range));
  bits.clear_range(index, range.count);
  groups_.block_bitmap_changed(handle, group, **bitmap);
  groups_.set_free_blocks(group, groups_.free_blocks(group) + range.count);
  groups_.end(handle, group);
  return {};
}

Result<> BlockAllocator::note_freed(Handle& handle, BlockRange range) {
  TRY(make_busy(range));
  if (freed_ == nullptr || freed_->transaction() != handle.transaction()) {
    auto* made = new (std::nothrow) Freed(*this, handle.transaction());
    if (made == nullptr) {
      make_idle(range);
      return Errno::NoMem;
    }
    freed_ = made;
    handle.on_commit(*made);
  }
  Result<> added = freed_->add(range);
  if (!added.ok()) {
    make_idle(range);
    return added;
  }
  pending_.fetch_add_relaxed(range.count);
  return {};
}

void BlockAllocator::freed_committed(Freed& freed, bool committed) {
  if (committed && volume_.options().discard && volume_.device().can_discard()) {
    const Geometry& geometry = volume_.geometry();
    for (const BlockRange& range : freed.ranges()) {
      // Advice to the device; what it does not do costs nobody anything.
      ignore(volume_.device().discard(range.first << geometry.block_shift,
                                      uint64_t{range.count} << geometry.block_shift));
    }
  }
  {
    Guard guard(groups_.lock);
    for (const BlockRange& range : freed.ranges()) {
      make_idle(range);
      pending_.fetch_sub_relaxed(range.count);
    }
    if (freed_ == &freed) freed_ = nullptr;
  }
  delete &freed;
}

// --- What is free but not to be had -----------------------------------------------------------

BitArray BlockAllocator::busy_bits(uint32_t group) {
  return BitArray(states_[group].busy, volume_.geometry().block_size * 8);
}

// Within one group.
Result<> BlockAllocator::make_busy(BlockRange range) {
  const Geometry& geometry = volume_.geometry();
  uint32_t group = geometry.group_of_block(range.first);
  GroupState& state = states_[group];
  if (state.busy == nullptr) {
    void* bytes = operator new(geometry.block_size, std::nothrow);
    if (bytes == nullptr) return Errno::NoMem;
    __builtin_memset(bytes, 0, geometry.block_size);
    state.busy = static_cast<uint8_t*>(bytes);
  }
  busy_bits(group).set_range(static_cast<uint32_t>(range.first - geometry.group_start(group)),
                             range.count);
  state.count += range.count;
  return {};
}

void BlockAllocator::make_idle(BlockRange range) {
  const Geometry& geometry = volume_.geometry();
  while (range.count != 0) {  // what was freed in several steps may have grown over groups
    uint32_t group = geometry.group_of_block(range.first);
    uint64_t left = geometry.group_start(group) + geometry.blocks_in_group(group) - range.first;
    uint32_t count = range.count < left ? range.count : static_cast<uint32_t>(left);
    busy_bits(group).clear_range(static_cast<uint32_t>(range.first - geometry.group_start(group)),
                                 count);
    states_[group].count -= count;
    range.first += count;
    range.count -= count;
  }
}

}  // namespace kernel::ext4
