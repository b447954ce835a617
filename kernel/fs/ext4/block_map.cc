// SPDX-License-Identifier: MIT
// See block_map.h: which of the two formats a node has.

#include "fs/ext4/block_map.h"

#include "fs/ext4/extents.h"
#include "fs/ext4/indirect.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4::block_map {

Result<BlockRun> find_locked(Node& node, uint32_t logical, uint32_t end) {
  if (logical >= end) return Errno::Inval;
  return node.has_extents() ? extents::find(node, logical, end)
                            : indirect::find(node, logical, end);
}

Result<BlockRun> find(Node& node, uint32_t logical, uint32_t end) {
  ReadGuard guard(node.map_lock);
  return find_locked(node, logical, end);
}

namespace {

// Behind what the file has before this block, or near its inode.
Result<uint64_t> goal_for(Node& node, uint32_t logical) {
  if (logical != 0) {
    BlockRun before = TRY(find_locked(node, logical - 1, logical));
    if (!before.is_hole()) return before.physical + 1;
  }
  return node.allocation_goal();
}

// A file that grows keeps as much again as it has, within reason.
uint32_t window_for(const Allocation& wanted) {
  constexpr uint32_t kLeast = 16, kMost = 1024;
  uint32_t size = wanted.logical + wanted.count;
  return size < kLeast ? kLeast : size > kMost ? kMost : size;
}

}  // namespace

Result<BlockRun> allocate_locked(Handle& handle, Node& node, const Allocation& wanted) {
  BlockAllocator::Request request;
  request.goal = TRY(goal_for(node, wanted.logical));
  request.wanted = wanted.count < kMaxUnwrittenLength ? wanted.count : kMaxUnwrittenLength;
  if (wanted.keep_window) {
    request.window = &node.window;
    request.keep = window_for(wanted);
  }
  BlockAllocator& blocks = node.volume().blocks();
  BlockRange range = TRY(blocks.allocate(handle, request));
  BlockRun run{wanted.logical, range.count, range.first, wanted.state};
  Result<> mapped;
  if (node.has_extents()) {
    mapped = extents::insert(handle, node, run);
  } else {
    Result<uint32_t> count = indirect::insert(handle, node, run.logical, run.physical, run.count);
    if (count.ok()) {
      if (*count < run.count) {
        TRY(blocks.free(handle, {run.physical + *count, run.count - *count}, wanted.use));
        run.count = *count;
      }
    } else {
      mapped = count.error();
    }
  }
  if (!mapped.ok()) {
    ignore(blocks.free(handle, range, wanted.use));  // the first error is the one to tell
    return mapped.error();
  }
  node.add_blocks(static_cast<int32_t>(run.count));
  return run;
}

Result<uint32_t> set_written_locked(Handle& handle, Node& node, uint32_t logical, uint32_t count) {
  return extents::set_written(handle, node, logical, count);
}

Result<bool> remove_some_locked(Handle& handle, Node& node, uint32_t first, uint32_t end) {
  return node.has_extents() ? extents::remove_some(handle, node, first, end)
                            : indirect::remove_some(handle, node, first, end);
}

}  // namespace kernel::ext4::block_map
