// SPDX-License-Identifier: MIT
// Changes of a file's extents, each within one leaf or by inserting into it. See extents.h.

#include "fs/ext4/extents.h"

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4::extents {
namespace {

// Blocks for new nodes of a tree, allocated before anything changes, so that a change cannot stop
// half-way for want of one.
class FreshNodes : public Pinned {
 public:
  FreshNodes(Handle& handle, Node& node) : handle_(handle), node_(node) {}
  ~FreshNodes() {
    while (count_ != 0) {
      // Only bitmaps of this same transaction change: nothing that can fail.
      ignore(node_.volume().blocks().free(handle_, {blocks_[--count_], 1}, BlockUse::Metadata));
    }
  }
  Result<> reserve(const ExtentPath& path, unsigned entries) {
    unsigned needed = path.blocks_needed(entries);
    while (count_ < needed) {
      BlockAllocator::Request request;
      request.goal = path.tree_goal();
      blocks_[count_] = TRY(node_.volume().blocks().allocate(handle_, request)).first;
      ++count_;
    }
    return {};
  }
  Result<> insert(ExtentPath& path, const DiskExtent& extent) {
    unsigned needed = path.blocks_needed(1);
    if (needed > count_) TRY(reserve(path, 1));
    TRY(path.insert(handle_, extent, std::span(blocks_).first(needed)));
    for (unsigned i = needed; i < count_; ++i) blocks_[i - needed] = blocks_[i];
    count_ -= needed;
    node_.add_blocks(static_cast<int32_t>(needed));
    return {};
  }

 private:
  Handle& handle_;
  Node& node_;
  uint64_t blocks_[kMaxExtentDepth + 2];
  unsigned count_ = 0;
};

constexpr uint32_t max_length(bool unwritten) {
  return unwritten ? kMaxUnwrittenLength : kMaxExtentLength;
}

// `right` continues `left` on the disk and in the file, and one extent can hold both.
bool can_join(const DiskExtent& left, const DiskExtent& right) {
  return is_unwritten(left) == is_unwritten(right) && end_of(left) == right.logical &&
         start_of(left) + length_of(left) == start_of(right) &&
         length_of(left) + length_of(right) <= max_length(is_unwritten(left));
}

void set_length(DiskExtent& extent, uint32_t length, bool unwritten) {
  extent.length = static_cast<uint16_t>(unwritten ? length + kMaxExtentLength : length);
}
void lengthen(DiskExtent& extent, uint32_t more) {
  set_length(extent, length_of(extent) + more, is_unwritten(extent));
}
void set_start(DiskExtent& extent, uint64_t physical) {
  extent.physical_low = static_cast<uint32_t>(physical);
  extent.physical_high = static_cast<uint16_t>(physical >> 32);
}
void cut_front(DiskExtent& extent, uint32_t count) {
  uint32_t length = length_of(extent) - count;
  set_start(extent, start_of(extent) + count);
  extent.logical += count;
  set_length(extent, length, is_unwritten(extent));
}

// The extent on which the path stands joins its right neighbour, if it can.
Result<> join_next(Handle& handle, Node& node, uint32_t logical) {
  ExtentPath path(node);
  TRY(path.find(logical));
  DiskExtent *here = path.extent(), *next = path.next_in_leaf();
  if (here == nullptr || next == nullptr || !can_join(*here, *next)) return {};
  uint32_t more = length_of(*next);
  uint32_t behind = next->logical;
  TRY(path.make_changeable(handle));
  lengthen(*here, more);
  ExtentPath gone(node);
  path.leaf_changed(handle);
  TRY(gone.find(behind));
  return gone.erase(handle);
}

Result<> insert_with(Handle& handle, Node& node, const DiskExtent& added, FreshNodes& fresh) {
  ExtentPath path(node);
  TRY(path.find(added.logical));
  TRY(path.make_changeable(handle));
  DiskExtent *left = path.extent(), *right = path.next_in_leaf();
  if ((left != nullptr && end_of(*left) > added.logical) ||
      (right != nullptr && end_of(added) > right->logical))
    return node.volume().corrupted(node.disk_number(), "inode {}: block {} is mapped already",
                                   node.disk_number(), added.logical);
  if (left != nullptr && can_join(*left, added)) {
    lengthen(*left, length_of(added));
    path.leaf_changed(handle);
    return right == nullptr ? Result<>() : join_next(handle, node, left->logical);
  }
  if (right != nullptr && can_join(added, *right)) {
    uint32_t length = length_of(*right) + length_of(added);
    bool unwritten = is_unwritten(*right);
    *right = added;
    set_length(*right, length, unwritten);
    path.leaf_changed(handle);
    return {};
  }
  return fresh.insert(path, added);
}

}  // namespace

DiskExtent make(uint32_t logical, uint64_t physical, uint32_t length, bool unwritten) {
  DiskExtent extent{logical, 0, 0, 0};
  set_start(extent, physical);
  set_length(extent, length, unwritten);
  return extent;
}

Result<BlockRun> find(Node& node, uint32_t logical, uint32_t end) {
  ExtentPath path(node);
  TRY(path.find(logical));
  DiskExtent* extent = path.extent();
  BlockRun run;
  run.logical = logical;
  if (extent != nullptr && end_of(*extent) > logical) {
    uint32_t offset = logical - extent->logical;
    run.physical = start_of(*extent) + offset;
    run.count = length_of(*extent) - offset;
    run.state = is_unwritten(*extent) ? RunState::Unwritten : RunState::Written;
  } else {
    DiskExtent* next = path.next_in_leaf();
    run.count = (next != nullptr ? next->logical : path.next_leaf_start()) - logical;
  }
  if (run.count > end - logical) run.count = end - logical;
  return run;
}

Result<> insert(Handle& handle, Node& node, const BlockRun& run) {
  FreshNodes fresh(handle, node);
  BlockRun left = run;
  while (left.count != 0) {
    bool unwritten = left.state == RunState::Unwritten;
    uint32_t count = left.count < max_length(unwritten) ? left.count : max_length(unwritten);
    TRY(insert_with(handle, node, make(left.logical, left.physical, count, unwritten), fresh));
    left.logical += count;
    left.physical += count;
    left.count -= count;
  }
  return {};
}

Result<uint32_t> set_written(Handle& handle, Node& node, uint32_t logical, uint32_t count) {
  ExtentPath path(node);
  TRY(path.find(logical));
  DiskExtent* extent = path.extent();
  if (extent == nullptr || end_of(*extent) <= logical || !is_unwritten(*extent))
    return Errno::Uclean;
  FreshNodes fresh(handle, node);
  TRY(fresh.reserve(path, 2));
  TRY(path.make_changeable(handle));
  DiskExtent whole = *extent;
  uint32_t end = end_of(whole) - logical < count ? end_of(whole) : logical + count;
  uint32_t before = logical - whole.logical, behind = end_of(whole) - end;
  auto part = [&](uint32_t from, uint32_t to, bool unwritten) {
    return make(from, start_of(whole) + (from - whole.logical), to - from, unwritten);
  };
  if (before == 0) {
    *extent = part(logical, end, false);
    DiskExtent* previous = path.previous_in_leaf();
    uint32_t joined =
        previous != nullptr && can_join(*previous, *extent) ? previous->logical : logical;
    path.leaf_changed(handle);
    if (behind != 0) {
      TRY(insert_with(handle, node, part(end, end_of(whole), true), fresh));
    } else {
      TRY(join_next(handle, node, logical));
    }
    if (joined != logical) TRY(join_next(handle, node, joined));
    return end - logical;
  }
  set_length(*extent, before, true);
  path.leaf_changed(handle);
  TRY(insert_with(handle, node, part(logical, end, false), fresh));
  if (behind != 0) TRY(insert_with(handle, node, part(end, end_of(whole), true), fresh));
  return end - logical;
}

namespace {

// Takes [from, to), which lies in the path's extent, out of it.
Result<> cut(Handle& handle, Node& node, ExtentPath& path, uint32_t from, uint32_t to) {
  DiskExtent& extent = *path.extent();
  DiskExtent whole = extent;
  if (from == whole.logical && to == end_of(whole)) {
    TRY(path.make_changeable(handle));
    return path.erase(handle);
  }
  FreshNodes fresh(handle, node);
  bool in_the_middle = from != whole.logical && to != end_of(whole);
  if (in_the_middle) TRY(fresh.reserve(path, 1));
  TRY(path.make_changeable(handle));
  if (from == whole.logical) {
    cut_front(extent, to - from);
  } else {
    set_length(extent, from - whole.logical, is_unwritten(whole));
  }
  path.leaf_changed(handle);
  if (!in_the_middle) return {};
  DiskExtent tail = whole;
  cut_front(tail, to - whole.logical);
  return insert_with(handle, node, tail, fresh);
}

}  // namespace

Result<bool> remove_some(Handle& handle, Node& node, uint32_t first, uint32_t end) {
  // Blocks of metadata are revoked one by one, so fewer go at a time.
  BlockUse use = node.block_use();
  uint32_t most = use == BlockUse::Data ? kMaxExtentLength : block_map::kMaxRevokesAtOnce;
  while (handle.credits() >= block_map::kRemoveCredits) {
    if (end <= first) return true;
    ExtentPath path(node);
    TRY(path.find(end - 1));
    DiskExtent* extent = path.extent();
    if (extent == nullptr || end_of(*extent) <= first) return true;
    uint32_t to = end_of(*extent) < end ? end_of(*extent) : end;
    uint32_t from = extent->logical > first ? extent->logical : first;
    if (to - from > most) from = to - most;
    uint64_t physical = start_of(*extent) + (from - extent->logical);
    TRY(cut(handle, node, path, from, to));
    TRY(node.volume().blocks().free(handle, {physical, to - from}, use));
    node.add_blocks(-static_cast<int32_t>(to - from));
    end = from;
    if (use == BlockUse::Metadata) return end <= first;
  }
  return false;
}

Result<uint32_t> shift_one(Handle& handle, Node& node, uint32_t at, uint32_t bound,
                           int64_t distance) {
  ExtentPath path(node);
  DiskExtent* extent = nullptr;
  if (distance < 0) {
    TRY(path.find(at));
    extent = path.extent();
    if (extent == nullptr || extent->logical < at) {
      DiskExtent* next = path.next_in_leaf();
      uint32_t start = next != nullptr ? next->logical : path.next_leaf_start();
      if (start == block_map::kEnd) return block_map::kEnd;
      TRY(path.find(start));
      extent = path.extent();
    }
  } else {
    if (at == 0) return block_map::kEnd;
    TRY(path.find(at - 1));
    extent = path.extent();
  }
  if (extent == nullptr || extent->logical < bound) return block_map::kEnd;
  TRY(path.make_changeable(handle));
  uint32_t cursor = distance < 0 ? end_of(*extent) : extent->logical;
  extent->logical = static_cast<uint32_t>(extent->logical + distance);
  path.leaf_changed(handle);
  return cursor;
}

Result<> split_at(Handle& handle, Node& node, uint32_t logical) {
  ExtentPath path(node);
  TRY(path.find(logical));
  DiskExtent* extent = path.extent();
  if (extent == nullptr || extent->logical == logical || end_of(*extent) <= logical) return {};
  FreshNodes fresh(handle, node);
  TRY(fresh.reserve(path, 1));
  TRY(path.make_changeable(handle));
  DiskExtent tail = *extent;
  cut_front(tail, logical - tail.logical);
  set_length(*extent, logical - extent->logical, is_unwritten(tail));
  path.leaf_changed(handle);
  // Not by insert_with(): they would join again.
  TRY(path.find(logical));
  TRY(path.make_changeable(handle));
  return fresh.insert(path, tail);
}

}  // namespace kernel::ext4::extents
