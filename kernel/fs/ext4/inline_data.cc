// SPDX-License-Identifier: MIT
// See inline_data.h.

#include "fs/ext4/inline_data.h"

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "fs/ext4/xattr.h"

namespace kernel::ext4::inline_data {
namespace {

constexpr StringView kAttribute = "data";  // of the namespace "system."

// The part that is an attribute's value; empty when there is none.
Result<std::span<uint8_t>> rest_of(Node& node, const Node::Place& place) {
  xattr::Area area = TRY(xattr::inode_area(node, place));
  DiskXattrEntry* entry = area.find(kXattrSystem, kAttribute);
  return entry != nullptr ? area.value(*entry) : std::span<uint8_t>();
}

}  // namespace

Result<size_t> read(Node& node, std::span<uint8_t> to) {
  ReadGuard guard(node.map_lock);
  Node::Place place = TRY(node.place());
  std::span<uint8_t> rest = TRY(rest_of(node, place));
  size_t size = node.disk_size();
  if (size > kBlockMapBytes + rest.size()) size = kBlockMapBytes + rest.size();
  if (size > to.size()) size = to.size();
  size_t first = size < kBlockMapBytes ? size : kBlockMapBytes;
  __builtin_memcpy(to.data(), node.block_map(), first);
  if (size > first) __builtin_memcpy(to.data() + first, rest.data(), size - first);
  return size;
}

Result<> discard(Handle& handle, Node& node) {
  Guard guard(node.map_lock);
  Node::Place place = TRY(node.place());
  TRY(handle.modify(*place.buffer));
  xattr::Area area = TRY(xattr::inode_area(node, place));
  area.remove(kXattrSystem, kAttribute);
  node.clear_flag(kInodeInlineData);
  if (node.volume().geometry().has_incompatible(kIncompatExtents)) {
    node.set_flag(kInodeExtents);
    TRY(node.init_map());
  } else {
    __builtin_memset(node.block_map(), 0, kBlockMapBytes);
  }
  return node.store_locked(handle);
}

// --- Directories -----------------------------------------------------------------------

Result<Pieces> entries(Node& dir) {
  const Geometry& geometry = dir.volume().geometry();
  Node::Place place = TRY(dir.place());
  std::span<uint8_t> rest = TRY(rest_of(dir, place));
  bool types = geometry.has_incompatible(kIncompatFileType);
  std::span<uint8_t> first(dir.block_map() + kFirstEntry, kBlockMapBytes - kFirstEntry);
  Pieces pieces{place.buffer, Entries(first, types, geometry.inodes),
                Entries(rest, types, geometry.inodes)};
  if (!pieces.first.are_sound() || !pieces.second.are_sound())
    return dir.volume().corrupted(dir.disk_number(), "inode {}: bad inline directory",
                                  dir.disk_number());
  return pieces;
}

Result<uint32_t> find_entry(Node& dir, StringView name) {
  Pieces pieces = TRY(entries(dir));
  for (const Entries& piece : pieces.span()) {
    Entries::Found found = piece.find(name);
    if (found.entry != nullptr) return found.entry->inode;
  }
  return Errno::NoEnt;
}

namespace {

// Finds the name and has `change(piece, found)` done to it.
template <class Change>
Result<> change_entry(Handle& handle, Node& dir, StringView name, Change change) {
  Guard guard(dir.map_lock);
  Pieces pieces = TRY(entries(dir));
  for (Entries* piece : {&pieces.first, &pieces.second}) {
    Entries::Found found = piece->find(name);
    if (found.entry == nullptr) continue;
    TRY(handle.modify(*pieces.buffer));
    change(*piece, found);
    return dir.store_locked(handle);
  }
  return Errno::NoEnt;
}

}  // namespace

Result<bool> add_entry(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type) {
  Guard guard(dir.map_lock);
  Pieces pieces = TRY(entries(dir));
  TRY(handle.modify(*pieces.buffer));
  if (!pieces.first.add(name, inode, type) && !pieces.second.add(name, inode, type)) return false;
  TRY(dir.store_locked(handle));
  return true;
}

Result<> remove_entry(Handle& handle, Node& dir, StringView name) {
  return change_entry(handle, dir, name,
                      [](Entries& piece, const Entries::Found& found) { piece.remove(found); });
}

Result<> replace_entry(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type) {
  return change_entry(handle, dir, name, [&](Entries& piece, const Entries::Found& found) {
    piece.set(*found.entry, inode, type);
  });
}

Result<> set_parent(Handle& handle, Node& dir, uint32_t inode) {
  Guard guard(dir.map_lock);
  __builtin_memcpy(dir.block_map(), &inode, sizeof inode);
  return dir.store_locked(handle);
}

Result<bool> is_empty_directory(Node& dir) {
  Pieces pieces = TRY(entries(dir));
  for (const Entries& piece : pieces.span()) {
    for (DiskEntry* entry = piece.first(); entry != nullptr; entry = piece.next(*entry)) {
      if (entry->inode != 0) return false;
    }
  }
  return true;
}

// They all fit in one block, which is larger than an inode.
Result<> convert_directory(Handle& handle, Node& dir) {
  Vector<uint8_t> copies[2];
  uint32_t above = 0;
  __builtin_memcpy(&above, dir.block_map(), sizeof above);
  {
    Node::Place place = TRY(dir.place());
    std::span<uint8_t> rest = TRY(rest_of(dir, place));
    TRY(copies[0].resize(kBlockMapBytes - kFirstEntry));
    __builtin_memcpy(copies[0].data(), dir.block_map() + kFirstEntry, copies[0].size());
    TRY(copies[1].resize(rest.size()));
    if (!rest.empty()) __builtin_memcpy(copies[1].data(), rest.data(), rest.size());
  }
  const Geometry& geometry = dir.volume().geometry();
  bool types = geometry.has_incompatible(kIncompatFileType);
  TRY(discard(handle, dir));
  dir.set_disk_size(0);
  TRY(directory::init(handle, dir, above));
  std::optional<Leaf> leaf = TRY(directory::read_leaf(dir, 0));
  if (!leaf) return Errno::Uclean;
  TRY(handle.modify(*leaf->buffer));
  for (Vector<uint8_t>& copy : copies) {
    Entries old(copy.span(), types, geometry.inodes);
    for (DiskEntry* entry = old.first(); entry != nullptr; entry = old.next(*entry)) {
      if (entry->inode != 0 && !leaf->entries.add(old.name(*entry), entry->inode, old.type(*entry)))
        return Errno::Uclean;
    }
  }
  directory::leaf_changed(handle, dir, *leaf->buffer);
  return {};
}

}  // namespace kernel::ext4::inline_data
