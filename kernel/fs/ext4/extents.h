// SPDX-License-Identifier: MIT
// Extent trees. A node of the tree is a header and entries of 12 bytes, sorted: in a leaf runs of
// blocks, above it the first block of each child. The root lies in the inode.
//
//   inode: header | index ── block: header | index ── block: header | extent | … | checksum
//                 | index ── …
//
// Every node that comes from the disk is checked when it enters memory, so that the rest of the
// code meets well-formed ones only.
#pragma once

#include "fs/ext4/block_map.h"

namespace kernel::ext4 {

// The way from the root to the place of one block in a leaf.
class ExtentPath : public Pinned {
 public:
  explicit ExtentPath(Node& node) : node_(node) {}

  // Finds the leaf for `logical`. Errors: Uclean, BadMsg, Io, NoMem.
  Result<> find(uint32_t logical);

  unsigned depth() const { return depth_; }
  // In the leaf: the last extent that begins at or before the block; null when there is none.
  DiskExtent* extent() const;
  DiskExtent* next_in_leaf() const;
  DiskExtent* previous_in_leaf() const;
  // The first block that the next leaf may hold, or kEnd.
  uint32_t next_leaf_start() const;
  // Where a new block of the tree had best lie.
  uint64_t tree_goal() const;

  // --- Changes. First make_changeable(), which tells the journal of all nodes on the way.
  Result<> make_changeable(Handle& handle);
  // Blocks that insertion of `more` entries in the leaf would need for new nodes.
  unsigned blocks_needed(unsigned more) const;
  // Inserts behind extent(); `fresh` are blocks for new nodes, as many as blocks_needed(1). The
  // path is of no more use then.
  Result<> insert(Handle& handle, const DiskExtent& added, std::span<const uint64_t> fresh);
  // Takes extent() out of the leaf, and nodes that have become empty out of the tree.
  Result<> erase(Handle& handle);
  // extent() or an index has changed: the checksum, and keys above when it is the first one.
  void leaf_changed(Handle& handle);

 private:
  struct Level {
    Optional<Ref<Buffer>> buffer;  // none: the root
    DiskExtentHeader* header = nullptr;
    int at = -1;  // entry on the way
  };
  static DiskExtent* extents(DiskExtentHeader* header) {
    return reinterpret_cast<DiskExtent*>(header + 1);
  }
  static DiskExtentIndex* indexes(DiskExtentHeader* header) {
    return reinterpret_cast<DiskExtentIndex*>(header + 1);
  }
  Level& leaf() { return levels_[depth_]; }
  const Level& leaf() const { return levels_[depth_]; }
  Result<> enter(unsigned level, uint64_t block, uint32_t first_key);
  uint32_t key_of(const Level& level, int at) const;
  void level_changed(Handle& handle, unsigned level);
  void raise_keys(Handle& handle, unsigned level);
  Result<Ref<Buffer>> make_node(Handle& handle, uint64_t block, uint16_t depth);
  Result<> grow(Handle& handle, uint64_t block);
  Result<> insert_at(Handle& handle, unsigned level, const void* entry,
                     std::span<const uint64_t> fresh);

  Node& node_;
  unsigned depth_ = 0;
  Level levels_[kMaxExtentDepth + 1];
};

namespace extents {

void init_root(uint8_t* block_map);
// The root, as it came with the inode. Errors: Uclean.
Result<> check_root(Node& node);

inline uint64_t start_of(const DiskExtent& extent) {
  return extent.physical_low | uint64_t{extent.physical_high} << 32;
}
inline bool is_unwritten(const DiskExtent& extent) { return extent.length > kMaxExtentLength; }
inline uint32_t length_of(const DiskExtent& extent) {
  return is_unwritten(extent) ? extent.length - kMaxExtentLength : extent.length;
}
inline uint32_t end_of(const DiskExtent& extent) { return extent.logical + length_of(extent); }
DiskExtent make(uint32_t logical, uint64_t physical, uint32_t length, bool unwritten);

Result<BlockRun> find(Node& node, uint32_t logical, uint32_t end);
Result<> insert(Handle& handle, Node& node, const BlockRun& run);
Result<uint32_t> set_written(Handle& handle, Node& node, uint32_t logical, uint32_t count);
Result<bool> remove_some(Handle& handle, Node& node, uint32_t first, uint32_t end);
// fallocate's collapse and insert: by a negative distance the first extent at or behind `at` moves,
// by a positive one the last before `at`, unless it begins before `bound`; the place is free. What
// to give as `at` next; kEnd: done.
Result<uint32_t> shift_one(Handle& handle, Node& node, uint32_t at, uint32_t bound,
                           int64_t distance);
// No extent reaches over `logical` afterwards.
Result<> split_at(Handle& handle, Node& node, uint32_t logical);

}  // namespace extents

}  // namespace kernel::ext4
