// SPDX-License-Identifier: MIT
// Extended attributes as they lie in an inode's spare bytes or in a block of their own, which
// several inodes may share:
//
//   [header] entry | entry | … | 0 0 0 0 |   free   | value | … | value
//
// The inode's own are looked at first. What uses them for an inode: node's functions in
// node_xattr.cc.
#pragma once

#include "fs/ext4/node.h"

namespace kernel::ext4::xattr {

// Entries and values in one piece of memory.
class Area {
 public:
  Area() = default;
  // Entries begin at `first`, and value offsets count from `base`.
  Area(std::span<uint8_t> bytes, size_t first, size_t base)
      : bytes_(bytes), first_(first), base_(base) {}

  bool exists() const { return !bytes_.empty(); }
  // All entries and values lie inside, without covering each other's list.
  bool is_sound() const;
  DiskXattrEntry* first() const;
  DiskXattrEntry* next(DiskXattrEntry& entry) const;  // null behind the last
  DiskXattrEntry* find(uint8_t index, StringView name) const;
  std::span<uint8_t> value(const DiskXattrEntry& entry) const {
    return bytes_.subspan(base_ + entry.value_offset, entry.value_size);
  }
  bool is_empty() const { return first() == nullptr; }
  bool remove(uint8_t index, StringView name);
  // The name is not there. False: no room. `sorted` and `hashed` in blocks.
  bool add(uint8_t index, StringView name, StringView value, bool in_block);

 private:
  bool is_last(size_t offset) const;
  DiskXattrEntry* at(size_t offset) const {
    return reinterpret_cast<DiskXattrEntry*>(bytes_.data() + offset);
  }
  size_t offset_of(const DiskXattrEntry& entry) const {
    return static_cast<size_t>(reinterpret_cast<const uint8_t*>(&entry) - bytes_.data());
  }
  size_t list_end() const;  // where the four zeros are
  size_t values_start() const;

  std::span<uint8_t> bytes_;
  size_t first_ = 0, base_ = 0;
};

// "user.x" as its two parts. Nothing: of a namespace that is not kept.
struct Name {
  uint8_t index;
  StringView rest;
};
std::optional<Name> split_name(StringView name);
StringView prefix_of(uint8_t index);  // empty: not shown

// The inode's own area; without existence when there is no room for one. Errors: Uclean.
Result<Area> inode_area(Node& node, const Node::Place& place);
// Makes one where there is none yet: the magic number.
Area init_inode_area(Node& node, const Node::Place& place);

// The block of an inode. Errors: Uclean, BadMsg, Io.
Result<Ref<Buffer>> read_block(Node& node);
Area block_area(Buffer& buffer);
inline DiskXattrHeader& header_of(Buffer& buffer) {
  return *reinterpret_cast<DiskXattrHeader*>(buffer.data());
}
void init_block(Buffer& buffer);
void block_changed(Handle& handle, const Volume& volume, Buffer& buffer);

}  // namespace kernel::ext4::xattr
