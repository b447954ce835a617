// SPDX-License-Identifier: MIT
// Names in a directory, whichever way it keeps them: in its inode (inline_data), in blocks without
// order, or in blocks that a hash tree finds (hash_tree.h). The directory's inode lock is held.
// What changes an entry leaves times and links of the inodes to the caller.
#pragma once

#include "fs/ext4/block_map.h"
#include "fs/ext4/entries.h"

namespace kernel::ext4 {

class Node;

// A block of a directory that holds entries.
struct Leaf {
  Ref<Buffer> buffer;
  Entries entries;
};

namespace directory {

// The inode that the name refers to. NoEnt, Uclean, Io.
Result<uint32_t> find(Node& dir, StringView name);
// Errors: NoSpc. `name` is not there.
Result<> add(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type);
Result<> remove(Handle& handle, Node& dir, StringView name);
// The name refers to another inode from now on.
Result<> replace(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type);
Result<> set_parent(Handle& handle, Node& dir, uint32_t inode);
Result<bool> is_empty(Node& dir);
// The first block of a new directory: "." and "..".
Result<> init(Handle& handle, Node& dir, uint32_t parent);
Result<> list(Node& dir, uint64_t position, DirectorySink& sink);

// Credits of one add(); the others need less. Two levels of a tree and a leaf that split (3 blocks
// made, each with a bitmap, a descriptor and the map's nodes), and what changes beside them.
inline constexpr unsigned kCredits = 3 * block_map::kCredits + 8;

// --- Blocks, for the files beside this one.
uint32_t block_count(const Node& dir);
Result<Ref<Buffer>> read_block(Node& dir, uint32_t logical);
// A block as entries. Nothing: it is a node of the hash tree. Errors: Uclean, BadMsg, Io.
Result<std::optional<Leaf>> read_leaf(Node& dir, uint32_t logical);
Entries entries_of(const Node& dir, Buffer& buffer);
// An empty leaf at the end of the directory.
struct Appended {
  Ref<Buffer> buffer;
  uint32_t logical;
};
Result<Appended> append_leaf(Handle& handle, Node& dir);
// After a change of a leaf: checksum, and the journal. modify() came before.
void leaf_changed(Handle& handle, const Node& dir, Buffer& buffer);
bool has_index(const Node& dir);

}  // namespace directory

}  // namespace kernel::ext4
