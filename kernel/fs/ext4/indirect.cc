// SPDX-License-Identifier: MIT
// See indirect.h.

#include "fs/ext4/indirect.h"

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4::indirect {
namespace {

// The places of a block's number: in the inode, then in a block of each level.
struct Way {
  unsigned depth = 0;  // blocks of numbers on the way
  uint32_t at[4] = {};
  uint64_t span = 1;  // blocks of the file that stand in the same last block of numbers, from the
                      // place on
};

uint32_t per_block(const Node& node) { return node.volume().geometry().block_size / 4; }

Result<Way> way_to(const Node& node, uint64_t logical) {
  uint64_t count = per_block(node);
  Way way;
  if (logical < kDirectBlocks) {
    way.at[0] = static_cast<uint32_t>(logical);
    way.span = kDirectBlocks - logical;
    return way;
  }
  logical -= kDirectBlocks;
  uint64_t below = count;
  for (way.depth = 1; way.depth <= 3; ++way.depth, below *= count) {
    if (logical < below) break;
    logical -= below;
  }
  if (way.depth > 3) return Errno::FBig;
  way.at[0] = kIndirect + way.depth - 1;
  for (unsigned level = way.depth; level > 0; --level) {
    way.at[level] = static_cast<uint32_t>(logical % count);
    logical /= count;
  }
  way.span = count - way.at[way.depth];
  return way;
}

uint32_t* root_of(Node& node) { return reinterpret_cast<uint32_t*>(node.block_map()); }
uint32_t* numbers(Buffer& buffer) { return reinterpret_cast<uint32_t*>(buffer.data()); }

Result<> check(Node& node, uint32_t block) {
  Volume& volume = node.volume();
  if (volume.groups().may_be_data(block, 1)) return {};
  return volume.corrupted(node.disk_number(), "inode {}: invalid block {}", node.disk_number(),
                          block);
}

// The count of blocks of the file below one number of a block of `level` (1: data).
uint64_t blocks_below(const Node& node, unsigned level) {
  uint64_t count = 1;
  while (--level > 0) count *= per_block(node);
  return count;
}

}  // namespace

Result<BlockRun> find(Node& node, uint32_t logical, uint32_t end) {
  BlockRun run;
  run.logical = logical;
  Result<Way> found = way_to(node, logical);
  if (!found.ok()) {  // behind what the map can hold
    run.count = end - logical;
    return run;
  }
  Way way = *found;
  Optional<Ref<Buffer>> buffer;
  uint32_t* entries = root_of(node);
  for (unsigned level = 0; level < way.depth; ++level) {
    uint32_t block = entries[way.at[level]];
    if (block == 0) {
      // The hole reaches to the end of what that number would stand for.
      uint64_t span = 1, offset = 0;
      for (unsigned below = way.depth; below > level; --below) {
        offset += way.at[below] * span;
        span *= per_block(node);
      }
      uint64_t count = span - offset;
      run.count = count < end - logical ? static_cast<uint32_t>(count) : end - logical;
      return run;
    }
    TRY(check(node, block));
    buffer = TRY(node.volume().buffers().read(block));
    entries = numbers(*buffer);
  }
  const uint32_t* here = entries + way.at[way.depth];
  uint32_t most = static_cast<uint32_t>(way.span < end - logical ? way.span : end - logical);
  run.physical = here[0];
  run.count = 1;
  if (here[0] == 0) {
    while (run.count < most && here[run.count] == 0) ++run.count;
    return run;
  }
  run.state = RunState::Written;
  while (run.count < most && here[run.count] == here[0] + run.count) ++run.count;
  if (!node.volume().groups().may_be_data(run.physical, run.count))
    return node.volume().corrupted(node.disk_number(), "inode {}: invalid block {}",
                                   node.disk_number(), run.physical);
  return run;
}

Result<uint32_t> insert(Handle& handle, Node& node, uint32_t logical, uint64_t physical,
                        uint32_t count) {
  Way way = TRY(way_to(node, logical));
  if ((physical + count) >> 32 != 0) return Errno::FBig;
  Optional<Ref<Buffer>> buffer;
  uint32_t* entries = root_of(node);
  for (unsigned level = 0; level < way.depth; ++level) {
    uint32_t& entry = entries[way.at[level]];
    if (entry == 0) {
      BlockAllocator::Request request;
      request.goal = physical;
      uint64_t block = TRY(node.volume().blocks().allocate(handle, request)).first;
      Result<Ref<Buffer>> made = node.volume().buffers().fresh(block);
      Result<> ready = made.ok() ? handle.create(**made) : made.error();
      if (ready.ok() && block >> 32 != 0) ready = Errno::FBig;
      if (ready.ok() && buffer) ready = handle.modify(*buffer);
      if (!ready.ok()) {
        ignore(node.volume().blocks().free(handle, {block, 1}, BlockUse::Metadata));
        return ready.error();
      }
      node.add_blocks(1);
      handle.dirty(**made);
      entry = static_cast<uint32_t>(block);
      if (buffer) handle.dirty(*buffer);
      buffer = std::move(made).take();
    } else {
      TRY(check(node, entry));
      buffer = TRY(node.volume().buffers().read(entry));
    }
    entries = numbers(*buffer);
  }
  if (buffer) TRY(handle.modify(*buffer));
  if (count > way.span) count = static_cast<uint32_t>(way.span);
  for (uint32_t i = 0; i < count; ++i)
    entries[way.at[way.depth] + i] = static_cast<uint32_t>(physical + i);
  if (buffer) handle.dirty(*buffer);
  return count;
}

namespace {

// What is freed together: neighbours on the disk.
class Freeing {
 public:
  Freeing(Handle& handle, Node& node) : handle_(handle), node_(node) {}
  Result<> add(uint32_t block) {
    if (range_.count != 0 && range_.first == uint64_t{block} + 1) {
      --range_.first;
      ++range_.count;
      return {};
    }
    TRY(flush());
    range_ = {block, 1};
    return {};
  }
  Result<> flush() {
    if (range_.count == 0) return {};
    BlockRange range = std::exchange(range_, {});
    node_.add_blocks(-static_cast<int32_t>(range.count));
    return node_.volume().blocks().free(handle_, range, node_.block_use());
  }

 private:
  Handle& handle_;
  Node& node_;
  BlockRange range_;
};

// One recursion through a tree from its end: numbers below `node_entry` that stand for blocks of
// [first, end) go; `start` is the first block of the file below it. Stops when credits run low.
struct Removal {
  Handle& handle;
  Node& node;
  uint64_t first, end;
  Freeing freeing;
  unsigned revokes = 0;

  bool must_stop() const {
    return handle.credits() < block_map::kRemoveCredits || revokes >= block_map::kMaxRevokesAtOnce;
  }
  // True when nothing of the range is left there.
  Result<bool> remove(uint32_t& entry, unsigned level, uint64_t start) {
    if (entry == 0) return true;
    uint64_t span = blocks_below(node, level + 1);
    if (start >= end || start + span <= first) return true;
    TRY(check(node, entry));
    if (level == 0) {
      if (must_stop()) return false;
      TRY(freeing.add(entry));
      if (node.block_use() == BlockUse::Metadata) ++revokes;
      entry = 0;
      return true;
    }
    Ref<Buffer> buffer = TRY(node.volume().buffers().read(entry));
    TRY(handle.modify(*buffer));
    uint64_t below = blocks_below(node, level);
    bool complete = true;
    for (uint32_t i = per_block(node); i-- != 0 && complete;)
      complete = TRY(remove(numbers(*buffer)[i], level - 1, start + i * below));
    TRY(freeing.flush());
    handle.dirty(*buffer);
    bool empty = true;
    for (uint32_t i = 0; i < per_block(node) && empty; ++i) empty = numbers(*buffer)[i] == 0;
    if (!empty || !complete) return complete;
    if (must_stop()) return false;
    uint32_t block = std::exchange(entry, 0);
    ++revokes;
    node.add_blocks(-1);
    TRY(node.volume().blocks().free(handle, {block, 1}, BlockUse::Metadata));
    return true;
  }
};

}  // namespace

Result<bool> remove_some(Handle& handle, Node& node, uint32_t first, uint32_t end) {
  Removal removal{handle, node, first, end, Freeing(handle, node)};
  uint32_t* root = root_of(node);
  uint64_t starts[kMapEntries];
  for (uint32_t i = 0; i <= kIndirect; ++i) starts[i] = i;
  starts[kIndirect + 1] = starts[kIndirect] + per_block(node);
  starts[kIndirect + 2] = starts[kIndirect + 1] + blocks_below(node, 3);
  bool complete = true;
  for (uint32_t i = kMapEntries; i-- != 0 && complete;) {
    unsigned level = i < kDirectBlocks ? 0 : i - kDirectBlocks + 1;
    complete = TRY(removal.remove(root[i], level, starts[i]));
  }
  TRY(removal.freeing.flush());
  return complete;
}

}  // namespace kernel::ext4::indirect
