// SPDX-License-Identifier: MIT
// Growth of a directory's index: leaves and index blocks that split. See hash_tree.h.

#include "fs/ext4/hash_tree.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4 {

// The entries move to a second block, and the first one becomes the root.
Result<> HashTree::create(Handle& handle, Node& dir) {
  std::optional<Leaf> old = TRY(directory::read_leaf(dir, 0));
  if (!old) return Errno::Uclean;
  constexpr auto kDotSize = static_cast<uint32_t>(entry_size(1));
  Entries& entries = old->entries;
  DiskEntry* dot = entries.first();
  DiskEntry* parent = dot->length == kDotSize ? entries.next(*dot) : nullptr;
  if (parent == nullptr || entries.name(*dot) != "." || entries.name(*parent) != "..")
    return dir.volume().corrupted(dir.disk_number(), "inode {}: no \"..\" in directory",
                                  dir.disk_number());
  TRY(handle.modify(*old->buffer));
  directory::Appended leaf = TRY(directory::append_leaf(handle, dir));
  Entries moved = directory::entries_of(dir, *leaf.buffer);
  for (DiskEntry* entry = entries.next(*parent); entry != nullptr; entry = entries.next(*entry)) {
    if (entry->inode != 0 && !moved.add(entries.name(*entry), entry->inode, entries.type(*entry)))
      return Errno::Uclean;
  }
  directory::leaf_changed(handle, dir, *leaf.buffer);

  HashTree tree(dir);
  Frame& root = tree.frames_[0];
  uint8_t* bytes = old->buffer->data();
  uint32_t block_size = old->buffer->size();
  parent->length = static_cast<uint16_t>(block_size - kDotSize);
  __builtin_memset(bytes + kHashRootInfo, 0, block_size - kHashRootInfo);
  uint8_t version = dir.volume().geometry().default_hash;
  if (version >= kHashUnsignedShift) version = kHashHalfMd4;
  *reinterpret_cast<DiskHashInfo*>(bytes + kHashRootInfo) = {0, version, sizeof(DiskHashInfo), 0,
                                                             0};
  root.entries = reinterpret_cast<DiskHashEntry*>(bytes + kHashRootInfo + sizeof(DiskHashInfo));
  root.buffer = old->buffer;
  root.counts() = {tree.limit_of(true), 1};
  root.entries[0].block = leaf.logical;
  old->buffer->set_verified(kVerifiedIndex);
  tree.changed(handle, root);
  dir.set_flag(kInodeIndex);
  return dir.store(handle);
}

Result<> HashTree::add(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type) {
  HashTree tree(dir);
  TRY(tree.seek(name));
  std::optional<Leaf> leaf = TRY(directory::read_leaf(dir, tree.leaf_block()));
  if (!leaf) return tree.bad();
  TRY(handle.modify(*leaf->buffer));
  if (leaf->entries.add(name, inode, type)) {
    directory::leaf_changed(handle, dir, *leaf->buffer);
    return {};
  }
  TRY(tree.make_room(handle));
  return tree.split_leaf(handle, *leaf, name, inode, type);
}

// The index block over the leaf can take one more.
Result<> HashTree::make_room(Handle& handle) {
  for (unsigned level = 0; level <= levels_; ++level) TRY(handle.modify(*frames_[level].buffer));
  const DiskHashCount& counts = frames_[levels_].counts();
  if (counts.count < counts.limit) return {};
  if (levels_ == 0) return add_level(handle);
  if (frames_[0].counts().count >= frames_[0].counts().limit) {
    log_warning("EXT4-fs ({}): directory (ino: {}) index full, reach max htree level",
                dir_.volume().name(), dir_.disk_number());
    return Errno::NoSpc;
  }
  return split_index(handle);
}

Result<HashTree::Frame> HashTree::make_index_block(Handle& handle, uint32_t& logical) {
  directory::Appended fresh = TRY(directory::append_leaf(handle, dir_));
  logical = fresh.logical;
  uint8_t* bytes = fresh.buffer->data();
  uint32_t size = fresh.buffer->size();
  __builtin_memset(bytes, 0, size);
  reinterpret_cast<DiskEntry*>(bytes)->length = static_cast<uint16_t>(size);
  Frame frame;
  frame.entries = reinterpret_cast<DiskHashEntry*>(bytes + kHashNodeCount);
  frame.buffer = std::move(fresh.buffer);
  frame.counts() = {limit_of(false), 0};
  frame.buffer->set_verified(kVerifiedIndex);
  return frame;
}

// Count and limit lie where the first entry's hash would be: only its block is copied.
Result<> HashTree::add_level(Handle& handle) {
  uint32_t logical = 0;
  Frame fresh = TRY(make_index_block(handle, logical));
  Frame& root = frames_[0];
  uint16_t count = root.counts().count;
  fresh.entries[0].block = root.entries[0].block;
  for (unsigned i = 1; i < count; ++i) fresh.entries[i] = root.entries[i];
  fresh.counts().count = count;
  fresh.at = root.at;
  root.counts().count = 1;
  root.entries[0].block = logical;
  root.at = 0;
  reinterpret_cast<DiskHashInfo*>(root.buffer->data() + kHashRootInfo)->levels = 1;
  levels_ = 1;
  changed(handle, root);
  changed(handle, fresh);
  frames_[1] = std::move(fresh);
  return {};
}

Result<> HashTree::split_index(Handle& handle) {
  uint32_t logical = 0;
  Frame fresh = TRY(make_index_block(handle, logical));
  Frame& full = frames_[1];
  uint16_t count = full.counts().count;
  auto kept = static_cast<uint16_t>(count / 2);
  uint32_t hash = full.entries[kept].hash;
  fresh.entries[0].block = full.entries[kept].block;
  for (unsigned i = kept + 1u; i < count; ++i) fresh.entries[i - kept] = full.entries[i];
  fresh.counts().count = static_cast<uint16_t>(count - kept);
  full.counts().count = kept;
  insert_behind(frames_[0], hash, logical);
  changed(handle, frames_[0]);
  changed(handle, full);
  changed(handle, fresh);
  if (full.at >= kept) {
    fresh.at = full.at - kept;
    full = std::move(fresh);
    ++frames_[0].at;
  }
  return {};
}

void HashTree::insert_behind(Frame& frame, uint32_t hash, uint32_t block) {
  uint16_t count = frame.counts().count;
  for (unsigned i = count; i > frame.at + 1; --i) frame.entries[i] = frame.entries[i - 1];
  frame.entries[frame.at + 1] = {hash, block};
  frame.counts().count = static_cast<uint16_t>(count + 1);
}

namespace {

struct Sorted {
  uint32_t hash;
  uint16_t offset;
  uint16_t size;
};

void sort(std::span<Sorted> entries) {
  // A block has a few hundred at most, and splits are rare.
  for (size_t gap = entries.size() / 2; gap != 0; gap /= 2) {
    for (size_t i = gap; i < entries.size(); ++i) {
      for (size_t j = i; j >= gap && entries[j - gap].hash > entries[j].hash; j -= gap)
        std::swap(entries[j - gap], entries[j]);
    }
  }
}

// The entries from here on go: about half of the bytes, from the end.
size_t choose_split(std::span<const Sorted> entries, uint32_t block_size) {
  uint32_t size = 0;
  size_t first = entries.size();
  while (first > 0 && size + entries[first - 1].size / 2u <= block_size / 2)
    size += entries[--first].size;
  return first > 0 && first < entries.size() ? first : entries.size() / 2;
}

}  // namespace

Result<> HashTree::split_leaf(Handle& handle, Leaf& leaf, StringView name, uint32_t inode,
                              FileType type) {
  Volume& volume = dir_.volume();
  uint32_t block_size = volume.geometry().block_size;
  Vector<Sorted> sorted;
  Vector<uint8_t> copy;
  TRY(copy.resize(block_size));
  __builtin_memcpy(copy.data(), leaf.buffer->data(), block_size);
  Entries& entries = leaf.entries;
  for (DiskEntry* entry = entries.first(); entry != nullptr; entry = entries.next(*entry)) {
    if (entry->inode == 0) continue;
    std::optional<NameHash> hashed = hash(entries.name(*entry));
    if (!hashed) return bad();
    TRY(sorted.append({hashed->major, static_cast<uint16_t>(entries.offset(*entry)),
                       static_cast<uint16_t>(entry_size(entry->name_length))}));
  }
  if (sorted.size() < 2) return bad();
  sort(sorted.span());
  size_t split = choose_split(sorted.span(), block_size);
  directory::Appended fresh = TRY(directory::append_leaf(handle, dir_));
  Entries upper = directory::entries_of(dir_, *fresh.buffer);
  entries.clear();
  for (size_t i = 0; i < sorted.size(); ++i) {
    auto& entry = *reinterpret_cast<const DiskEntry*>(copy.data() + sorted[i].offset);
    Entries& target = i < split ? entries : upper;
    // They all fitted in one block.
    if (!target.add({entry.name, entry.name_length}, entry.inode, entries.type(entry)))
      return bad();
  }
  uint32_t boundary = sorted[split].hash;
  bool continued = boundary == sorted[split - 1].hash;
  Entries& target = wanted_ >= boundary ? upper : entries;
  bool added = target.add(name, inode, type);
  directory::leaf_changed(handle, dir_, *leaf.buffer);
  directory::leaf_changed(handle, dir_, *fresh.buffer);
  Frame& frame = frames_[levels_];
  insert_behind(frame, boundary | (continued ? 1 : 0), fresh.logical);
  changed(handle, frame);
  if (added) return {};
  // All that moved was smaller than the new name: once more, in the half that it belongs to.
  return add(handle, dir_, name, inode, type);
}

}  // namespace kernel::ext4
