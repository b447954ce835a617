// SPDX-License-Identifier: MIT
// See directory.h.

#include "fs/ext4/directory.h"

#include "fs/ext4/hash_tree.h"
#include "fs/ext4/inline_data.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "lib/crc32c.h"

namespace kernel::ext4::directory {
namespace {

bool with_types(const Node& dir) {
  return dir.volume().geometry().has_incompatible(kIncompatFileType);
}

bool has_checksums(const Node& dir) { return dir.volume().geometry().has_metadata_checksums(); }

DiskEntryTail& tail_of(Buffer& buffer) {
  return *reinterpret_cast<DiskEntryTail*>(buffer.data() + buffer.size() - sizeof(DiskEntryTail));
}

uint32_t leaf_checksum(const Node& dir, const Buffer& buffer) {
  return crc32c(dir.checksum_seed(), {buffer.data(), buffer.size() - sizeof(DiskEntryTail)});
}

bool is_tail(const DiskEntryTail& tail) {
  return tail.zero_inode == 0 && tail.length == sizeof(DiskEntryTail) &&
         tail.zero_name_length == 0 && tail.type == kTypeChecksum;
}

// A node of a hash tree pretends to be one unused entry; its root has two entries.
bool is_index_block(const Node& dir, uint32_t logical, const Buffer& buffer) {
  if (!has_index(dir)) return false;
  if (logical == 0) return true;
  auto& entry = *reinterpret_cast<const DiskEntry*>(buffer.data());
  return entry.inode == 0 && entry.length == buffer.size() && entry.name_length == 0;
}

Errno bad_block(Node& dir, uint32_t logical) {
  return dir.volume().corrupted(dir.disk_number(), "inode {}: bad directory block {}",
                                dir.disk_number(), logical);
}

struct Place {
  Leaf leaf;
  Entries::Found found;
};

// The leaf that has the name, in a directory with blocks.
Result<Place> find_place(Node& dir, StringView name) {
  if (has_index(dir)) {
    HashTree tree(dir);
    TRY(tree.seek(name));
    for (;;) {
      std::optional<Leaf> leaf = TRY(read_leaf(dir, tree.leaf_block()));
      if (!leaf) return bad_block(dir, tree.leaf_block());
      Entries::Found found = leaf->entries.find(name);
      if (found.entry != nullptr) return Place{std::move(*leaf), found};
      if (!TRY(tree.next_with_same_hash())) return Errno::NoEnt;
    }
  }
  uint32_t count = block_count(dir);
  for (uint32_t logical = 0; logical < count; ++logical) {
    std::optional<Leaf> leaf = TRY(read_leaf(dir, logical));
    if (!leaf) continue;
    Entries::Found found = leaf->entries.find(name);
    if (found.entry != nullptr) return Place{std::move(*leaf), found};
  }
  return Errno::NoEnt;
}

Result<> add_without_order(Handle& handle, Node& dir, StringView name, uint32_t inode,
                           FileType type) {
  uint32_t count = block_count(dir);
  for (uint32_t logical = 0; logical < count; ++logical) {
    std::optional<Leaf> leaf = TRY(read_leaf(dir, logical));
    if (!leaf) continue;
    TRY(handle.modify(*leaf->buffer));
    if (!leaf->entries.add(name, inode, type)) continue;
    leaf_changed(handle, dir, *leaf->buffer);
    return {};
  }
  if (count == 1 && dir.volume().geometry().has_compatible(kCompatDirIndex)) {
    TRY(HashTree::create(handle, dir));
    return HashTree::add(handle, dir, name, inode, type);
  }
  Appended fresh = TRY(append_leaf(handle, dir));
  if (!entries_of(dir, *fresh.buffer).add(name, inode, type)) return Errno::Uclean;
  leaf_changed(handle, dir, *fresh.buffer);
  return {};
}

}  // namespace

bool has_index(const Node& dir) {
  return dir.has(kInodeIndex) && dir.volume().geometry().has_compatible(kCompatDirIndex);
}

uint32_t block_count(const Node& dir) {
  return static_cast<uint32_t>(dir.disk_size() >> dir.volume().geometry().block_shift);
}

Entries entries_of(const Node& dir, Buffer& buffer) {
  size_t size = buffer.size() - (has_checksums(dir) ? sizeof(DiskEntryTail) : 0);
  return Entries(buffer.bytes().first(size), with_types(dir), dir.volume().geometry().inodes);
}

Result<Ref<Buffer>> read_block(Node& dir, uint32_t logical) {
  if (logical >= block_count(dir)) return bad_block(dir, logical);
  BlockRun run = TRY(block_map::find(dir, logical, logical + 1));
  if (run.state != RunState::Written) return bad_block(dir, logical);
  return dir.volume().buffers().read(run.physical);
}

Result<std::optional<Leaf>> read_leaf(Node& dir, uint32_t logical) {
  Ref<Buffer> buffer = TRY(read_block(dir, logical));
  if (is_index_block(dir, logical, *buffer)) return std::optional<Leaf>();
  Entries entries = entries_of(dir, *buffer);
  if (buffer->verified() != kVerifiedLeaf) {
    if (has_checksums(dir)) {
      if (!is_tail(tail_of(*buffer)) || tail_of(*buffer).checksum != leaf_checksum(dir, *buffer)) {
        static_cast<void>(dir.volume().corrupted(dir.disk_number(),
                                                 "inode {}: directory block {} fails checksum",
                                                 dir.disk_number(), logical));
        return Errno::BadMsg;
      }
    }
    if (!entries.are_sound()) return bad_block(dir, logical);
    buffer->set_verified(kVerifiedLeaf);
  }
  return std::optional<Leaf>(Leaf{std::move(buffer), entries});
}

void leaf_changed(Handle& handle, const Node& dir, Buffer& buffer) {
  if (has_checksums(dir)) tail_of(buffer).checksum = leaf_checksum(dir, buffer);
  handle.dirty(buffer);
}

Result<Appended> append_leaf(Handle& handle, Node& dir) {
  const Geometry& geometry = dir.volume().geometry();
  uint32_t logical = block_count(dir);
  if (uint64_t{logical} >= 0x7fff'ffffu >> geometry.block_shift) return Errno::NoSpc;
  uint64_t block = 0;
  {
    Guard guard(dir.map_lock);
    block_map::Allocation wanted{logical, 1};
    wanted.use = BlockUse::Metadata;
    block = TRY(block_map::allocate_locked(handle, dir, wanted)).physical;
    dir.set_disk_size(uint64_t{logical + 1} << geometry.block_shift);
    TRY(dir.store_locked(handle));
  }
  Ref<Buffer> buffer = TRY(dir.volume().buffers().fresh(block));
  TRY(handle.create(*buffer));
  entries_of(dir, *buffer).clear();
  if (has_checksums(dir)) tail_of(*buffer) = {0, sizeof(DiskEntryTail), 0, kTypeChecksum, 0};
  buffer->set_verified(kVerifiedLeaf);
  leaf_changed(handle, dir, *buffer);
  return Appended{std::move(buffer), logical};
}

Result<uint32_t> find(Node& dir, StringView name) {
  uint32_t number = 0;
  if (dir.has_inline_data()) {
    number = TRY(inline_data::find_entry(dir, name));
  } else {
    number = TRY(find_place(dir, name)).found.entry->inode;
  }
  if (!dir.volume().geometry().is_named_inode(number))
    return dir.volume().corrupted(dir.disk_number(), "inode {}: bad inode number {} in directory",
                                  dir.disk_number(), number);
  return number;
}

Result<> add(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type) {
  if (dir.has_inline_data()) {
    if (TRY(inline_data::add_entry(handle, dir, name, inode, type))) return {};
    TRY(inline_data::convert_directory(handle, dir));
  }
  if (has_index(dir)) return HashTree::add(handle, dir, name, inode, type);
  return add_without_order(handle, dir, name, inode, type);
}

Result<> remove(Handle& handle, Node& dir, StringView name) {
  if (dir.has_inline_data()) return inline_data::remove_entry(handle, dir, name);
  Place place = TRY(find_place(dir, name));
  TRY(handle.modify(*place.leaf.buffer));
  place.leaf.entries.remove(place.found);
  leaf_changed(handle, dir, *place.leaf.buffer);
  return {};
}

Result<> replace(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type) {
  if (dir.has_inline_data()) return inline_data::replace_entry(handle, dir, name, inode, type);
  Place place = TRY(find_place(dir, name));
  TRY(handle.modify(*place.leaf.buffer));
  place.leaf.entries.set(*place.found.entry, inode, type);
  leaf_changed(handle, dir, *place.leaf.buffer);
  return {};
}

namespace {

// "..", the second entry of the first block.
Result<DiskEntry*> find_parent_entry(Node& dir, Buffer& buffer) {
  auto* dot = reinterpret_cast<DiskEntry*>(buffer.data());
  constexpr auto kSize = static_cast<uint16_t>(entry_size(1));
  if (dot->length == kSize && dot->name_length == 1 && dot->name[0] == '.') {
    auto* parent = reinterpret_cast<DiskEntry*>(buffer.data() + kSize);
    if (parent->name_length == 2 && parent->name[0] == '.' && parent->name[1] == '.') return parent;
  }
  return bad_block(dir, 0);
}

}  // namespace

Result<> set_parent(Handle& handle, Node& dir, uint32_t inode) {
  if (dir.has_inline_data()) return inline_data::set_parent(handle, dir, inode);
  if (has_index(dir)) {
    HashTree tree(dir);
    TRY(tree.open_root());  // checks it
    TRY(handle.modify(tree.root()));
    TRY(find_parent_entry(dir, tree.root()))->inode = inode;
    tree.root_changed(handle);
    return {};
  }
  std::optional<Leaf> leaf = TRY(read_leaf(dir, 0));
  if (!leaf) return bad_block(dir, 0);
  DiskEntry* entry = TRY(find_parent_entry(dir, *leaf->buffer));
  TRY(handle.modify(*leaf->buffer));
  entry->inode = inode;
  leaf_changed(handle, dir, *leaf->buffer);
  return {};
}

Result<bool> is_empty(Node& dir) {
  if (dir.has_inline_data()) return inline_data::is_empty_directory(dir);
  uint32_t count = block_count(dir);
  for (uint32_t logical = 0; logical < count; ++logical) {
    std::optional<Leaf> leaf = TRY(read_leaf(dir, logical));
    if (!leaf) continue;
    const Entries& entries = leaf->entries;
    for (DiskEntry* entry = entries.first(); entry != nullptr; entry = entries.next(*entry)) {
      if (entry->inode != 0 && !Entries::is_dot_or_dot_dot(entries.name(*entry))) return false;
    }
  }
  return true;
}

Result<> init(Handle& handle, Node& dir, uint32_t parent) {
  Appended first = TRY(append_leaf(handle, dir));
  Entries entries = entries_of(dir, *first.buffer);
  uint32_t size =
      first.buffer->size() - static_cast<uint32_t>(has_checksums(dir) ? sizeof(DiskEntryTail) : 0);
  constexpr auto kSize = static_cast<uint32_t>(entry_size(1));
  entries.write(0, kSize, ".", dir.disk_number(), kTypeDirectory);
  entries.write(kSize, size - kSize, "..", parent, kTypeDirectory);
  leaf_changed(handle, dir, *first.buffer);
  return {};
}

}  // namespace kernel::ext4::directory
