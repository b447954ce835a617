// SPDX-License-Identifier: MIT
// Which blocks of the volume hold which blocks of a file: the questions and changes that both
// formats answer, extents (extents.h) and the older indirect blocks (indirect.h). A node's map
// lock guards its map; the functions here that change it are called with that lock held, and leave
// the storing of the inode itself to the caller.
#pragma once

#include "fs/ext4/block_allocator.h"

namespace kernel::ext4 {

class Node;

enum class RunState : uint8_t { Hole, Written, Unwritten };

// Consecutive blocks of a file, of one state, that lie one behind the other.
struct BlockRun {
  uint32_t logical = 0;
  uint32_t count = 0;
  uint64_t physical = 0;  // of a hole: 0
  RunState state = RunState::Hole;

  bool is_hole() const { return state == RunState::Hole; }
  uint32_t end() const { return logical + count; }
};

namespace block_map {

inline constexpr uint32_t kEnd = 0xffff'ffff;  // behind every block
// Of metadata blocks that are freed under one handle.
inline constexpr unsigned kMaxRevokesAtOnce = 32;

// What holds `logical`, up to `end`: at least one block.
Result<BlockRun> find(Node& node, uint32_t logical, uint32_t end);  // takes the map lock
Result<BlockRun> find_locked(Node& node, uint32_t logical, uint32_t end);

// Gives the hole that begins at `logical` up to `count` blocks (its first ones), in the state
// given, and maps them. Unwritten only with extents.
struct Allocation {
  uint32_t logical;
  uint32_t count;
  RunState state = RunState::Written;
  BlockUse use = BlockUse::Data;
  bool keep_window = false;  // the file grows
};
Result<BlockRun> allocate_locked(Handle& handle, Node& node, const Allocation& wanted);
// Unwritten blocks become written ones: the first of [logical, logical + count). How many.
Result<uint32_t> set_written_locked(Handle& handle, Node& node, uint32_t logical, uint32_t count);
// Frees some blocks of [first, end), from its end backwards or from its start: as many as the
// handle's credits admit. True when none is left.
Result<bool> remove_some_locked(Handle& handle, Node& node, uint32_t first, uint32_t end);
// Credits that suffice for one call of the functions above: of those that give blocks and change
// states, and of the one that frees.
// An allocation (2), the nodes of a tree that change (6) or are made (4 of 3), the inode.
inline constexpr unsigned kCredits = 24;
// The groups that an extent may reach over (5 of 2), nodes that change (6), are made or freed (4 of
// 3), the inode.
inline constexpr unsigned kRemoveCredits = 30;

}  // namespace block_map

}  // namespace kernel::ext4
