// SPDX-License-Identifier: MIT
// Block maps of ext2 and ext3: twelve direct blocks in the inode, then trees of one, two and three
// levels of blocks full of 32-bit block numbers.
#pragma once

#include "fs/ext4/block_map.h"

namespace kernel::ext4::indirect {

Result<BlockRun> find(Node& node, uint32_t logical, uint32_t end);
// Maps fresh blocks, one behind the other, in the hole at `logical`; allocates the blocks of the
// tree that are missing on the way. How many were mapped: those whose numbers share a block.
Result<uint32_t> insert(Handle& handle, Node& node, uint32_t logical, uint64_t physical,
                        uint32_t count);
Result<bool> remove_some(Handle& handle, Node& node, uint32_t first, uint32_t end);

}  // namespace kernel::ext4::indirect
