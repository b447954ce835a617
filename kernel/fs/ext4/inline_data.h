// SPDX-License-Identifier: MIT
// Small files and directories that lie in their inode (the inline_data feature): the first 60 bytes
// where the block map would be, the rest as the value of the attribute "system.data". What does not
// fit any more moves to a block; nothing ever moves back.
#pragma once

#include "fs/ext4/directory.h"

namespace kernel::ext4::inline_data {

// In a directory: the parent's number, then entries.
inline constexpr uint32_t kFirstEntry = 4;

// The first `size()` bytes of a file's or link's contents into `to`; how many there are.
Result<size_t> read(Node& node, std::span<uint8_t> to);
// The contents are from now on in blocks: the inode has none yet. The bytes are the caller's to
// write, who has read them.
Result<> discard(Handle& handle, Node& node);

// --- Directories.
struct Pieces {
  Ref<Buffer> buffer;  // of the inode, for the second one
  Entries first, second;
  std::span<const Entries> span() const { return {&first, 2}; }
};
Result<Pieces> entries(Node& dir);
Result<uint32_t> find_entry(Node& dir, StringView name);
// False: there is no room.
Result<bool> add_entry(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type);
Result<> remove_entry(Handle& handle, Node& dir, StringView name);
Result<> replace_entry(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type);
Result<> set_parent(Handle& handle, Node& dir, uint32_t inode);
Result<bool> is_empty_directory(Node& dir);
Result<> convert_directory(Handle& handle, Node& dir);

}  // namespace kernel::ext4::inline_data
