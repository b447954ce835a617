// SPDX-License-Identifier: MIT
// One way through an extent tree, and the changes of nodes along it. See extents.h.

#include "fs/ext4/extents.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "lib/crc32c.h"

namespace kernel::ext4 {
namespace {

constexpr size_t kEntry = sizeof(DiskExtent);
constexpr uint16_t kRootEntries = (kBlockMapBytes - sizeof(DiskExtentHeader)) / kEntry;

uint64_t child_of(const DiskExtentIndex& index) {
  return index.child_low | uint64_t{index.child_high} << 32;
}
DiskExtentIndex make_index(uint32_t logical, uint64_t child) {
  return {logical, static_cast<uint32_t>(child), static_cast<uint16_t>(child >> 32), 0};
}

uint16_t entries_per_block(const Volume& volume) {
  return static_cast<uint16_t>((volume.geometry().block_size - sizeof(DiskExtentHeader)) / kEntry);
}

// Behind the last place for an entry.
uint32_t* checksum_place(DiskExtentHeader* header) {
  return reinterpret_cast<uint32_t*>(reinterpret_cast<uint8_t*>(header + 1) + header->max * kEntry);
}
uint32_t compute_checksum(const Node& node, DiskExtentHeader* header) {
  auto* bytes = reinterpret_cast<const uint8_t*>(header);
  auto size = static_cast<size_t>(reinterpret_cast<const uint8_t*>(checksum_place(header)) - bytes);
  return crc32c(node.checksum_seed(), {bytes, size});
}

bool are_entries_sound(const Node& node, const DiskExtentHeader& header) {
  const Groups& groups = node.volume().groups();
  uint64_t behind = 0;  // the last entry
  for (unsigned i = 0; i < header.entries; ++i) {
    if (header.depth != 0) {
      auto& index = reinterpret_cast<const DiskExtentIndex*>(&header + 1)[i];
      if (i != 0 && index.logical < behind) return false;
      if (!groups.may_be_data(child_of(index), 1)) return false;
      behind = uint64_t{index.logical} + 1;
      continue;
    }
    auto& extent = reinterpret_cast<const DiskExtent*>(&header + 1)[i];
    uint32_t length = extents::length_of(extent);
    if (length == 0 || extent.logical < behind) return false;
    behind = uint64_t{extent.logical} + length;
    if (behind > block_map::kEnd) return false;
    if (!groups.may_be_data(extents::start_of(extent), length)) return false;
  }
  return true;
}

bool is_header_sound(const DiskExtentHeader& header, uint16_t depth, uint16_t max) {
  return header.magic == kExtentMagic && header.depth == depth && header.max != 0 &&
         header.max <= max && header.entries <= header.max && (depth == 0 || header.entries != 0);
}

}  // namespace

void extents::init_root(uint8_t* block_map) {
  __builtin_memset(block_map, 0, kBlockMapBytes);
  DiskExtentHeader header{kExtentMagic, 0, kRootEntries, 0, 0};
  __builtin_memcpy(block_map, &header, sizeof header);
}

Result<> extents::check_root(Node& node) {
  auto& header = *reinterpret_cast<const DiskExtentHeader*>(node.block_map());
  if (header.depth <= kMaxExtentDepth && is_header_sound(header, header.depth, kRootEntries) &&
      are_entries_sound(node, header))
    return {};
  return node.volume().corrupted(node.disk_number(), "bad extent tree root in inode {}",
                                 node.disk_number());
}

// --- Finding ------------------------------------------------------------------------------

uint32_t ExtentPath::key_of(const Level& level, int at) const {
  // Both kinds of entry begin with it.
  return extents(level.header)[at].logical;
}

Result<> ExtentPath::enter(unsigned level, uint64_t block, uint32_t first_key) {
  Volume& volume = node_.volume();
  Ref<Buffer> buffer = TRY(volume.buffers().read(block));
  auto* header = reinterpret_cast<DiskExtentHeader*>(buffer->data());
  auto depth = static_cast<uint16_t>(depth_ - level);
  bool sound = is_header_sound(*header, depth, entries_per_block(volume)) && header->entries != 0;
  if (sound && buffer->verified() != kVerifiedExtents) {
    if (volume.geometry().has_metadata_checksums() &&
        *checksum_place(header) != compute_checksum(node_, header)) {
      static_cast<void>(volume.corrupted(node_.disk_number(),
                                         "inode {}: bad checksum of extent block {}",
                                         node_.disk_number(), block));
      return Errno::BadMsg;
    }
    sound = are_entries_sound(node_, *header);
    if (sound) buffer->set_verified(kVerifiedExtents);
  }
  if (!sound || extents(header)[0].logical != first_key)
    return volume.corrupted(node_.disk_number(), "inode {}: bad extent block {}",
                            node_.disk_number(), block);
  levels_[level].header = header;
  levels_[level].buffer = std::move(buffer);
  return {};
}

Result<> ExtentPath::find(uint32_t logical) {
  levels_[0].buffer.reset();
  levels_[0].header = reinterpret_cast<DiskExtentHeader*>(node_.block_map());
  depth_ = levels_[0].header->depth;
  if (depth_ > kMaxExtentDepth) return Errno::Uclean;
  for (unsigned level = 0;; ++level) {
    Level& here = levels_[level];
    int low = 0, high = here.header->entries;  // the first entry behind `logical`
    while (low < high) {
      int middle = (low + high) / 2;
      if (key_of(here, middle) <= logical) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    here.at = low - 1;
    if (level == depth_) return {};
    if (here.at < 0) here.at = 0;
    const DiskExtentIndex& index = indexes(here.header)[here.at];
    TRY(enter(level + 1, child_of(index), index.logical));
  }
}

DiskExtent* ExtentPath::extent() const {
  return leaf().at < 0 ? nullptr : &extents(leaf().header)[leaf().at];
}
DiskExtent* ExtentPath::next_in_leaf() const {
  return leaf().at + 1 < leaf().header->entries ? &extents(leaf().header)[leaf().at + 1] : nullptr;
}
DiskExtent* ExtentPath::previous_in_leaf() const {
  return leaf().at < 1 ? nullptr : &extents(leaf().header)[leaf().at - 1];
}

uint32_t ExtentPath::next_leaf_start() const {
  for (unsigned level = depth_; level-- != 0;) {
    const Level& above = levels_[level];
    if (above.at + 1 < above.header->entries) return indexes(above.header)[above.at + 1].logical;
  }
  return block_map::kEnd;
}

uint64_t ExtentPath::tree_goal() const {
  if (depth_ != 0) return leaf().buffer->block() + 1;
  DiskExtent* beside = extent();
  return beside != nullptr ? extents::start_of(*beside) : node_.allocation_goal();
}

// --- Changing -------------------------------------------------------------------------------

Result<> ExtentPath::make_changeable(Handle& handle) {
  for (unsigned level = 1; level <= depth_; ++level) TRY(handle.modify(*levels_[level].buffer));
  return {};
}

void ExtentPath::level_changed(Handle& handle, unsigned level) {
  Level& here = levels_[level];
  if (!here.buffer) return;  // the root: stored with the inode
  if (node_.volume().geometry().has_metadata_checksums())
    *checksum_place(here.header) = compute_checksum(node_, here.header);
  handle.dirty(*here.buffer);
}

// The first key of a node is that of its index above.
void ExtentPath::raise_keys(Handle& handle, unsigned level) {
  uint32_t key = key_of(levels_[level], 0);
  while (level-- != 0) {
    Level& above = levels_[level];
    DiskExtentIndex& index = indexes(above.header)[above.at];
    if (index.logical == key) return;
    index.logical = key;
    level_changed(handle, level);
    if (above.at != 0) return;
  }
}

void ExtentPath::leaf_changed(Handle& handle) {
  level_changed(handle, depth_);
  if (leaf().at <= 0 && leaf().header->entries != 0) raise_keys(handle, depth_);
}

unsigned ExtentPath::blocks_needed(unsigned more) const {
  if (leaf().header->entries + more <= leaf().header->max) return 0;
  unsigned needed = 1;
  for (unsigned level = depth_; level-- != 0;) {
    if (levels_[level].header->entries < levels_[level].header->max) break;
    ++needed;
  }
  return needed;
}

Result<Ref<Buffer>> ExtentPath::make_node(Handle& handle, uint64_t block, uint16_t depth) {
  Ref<Buffer> buffer = TRY(node_.volume().buffers().fresh(block));
  TRY(handle.create(*buffer));
  DiskExtentHeader header{kExtentMagic, 0, entries_per_block(node_.volume()), depth, 0};
  __builtin_memcpy(buffer->data(), &header, sizeof header);
  buffer->set_verified(kVerifiedExtents);
  return buffer;
}

// The root's entries move into a block of their own, the root becomes an index of that one.
Result<> ExtentPath::grow(Handle& handle, uint64_t block) {
  if (depth_ == kMaxExtentDepth) return Errno::Uclean;
  Level& root = levels_[0];
  Ref<Buffer> buffer = TRY(make_node(handle, block, root.header->depth));
  auto* moved = reinterpret_cast<DiskExtentHeader*>(buffer->data());
  moved->entries = root.header->entries;
  __builtin_memcpy(moved + 1, root.header + 1, root.header->entries * kEntry);
  for (unsigned level = depth_; level > 0; --level) levels_[level + 1] = std::move(levels_[level]);
  levels_[1].buffer = std::move(buffer);
  levels_[1].header = moved;
  levels_[1].at = root.at;
  ++depth_;
  root.header->depth = static_cast<uint16_t>(depth_);
  root.header->entries = 1;
  root.at = 0;
  indexes(root.header)[0] = make_index(extents(moved)[0].logical, block);
  level_changed(handle, 1);
  return {};
}

Result<> ExtentPath::insert_at(Handle& handle, unsigned level, const void* entry,
                               std::span<const uint64_t> fresh) {
  Level& here = levels_[level];
  DiskExtentHeader* header = here.header;
  auto place = [](DiskExtentHeader* node, unsigned at, const void* what) {
    DiskExtent* entries = extents(node);
    __builtin_memmove(&entries[at + 1], &entries[at], (node->entries - at) * kEntry);
    __builtin_memcpy(&entries[at], what, kEntry);
    ++node->entries;
  };
  auto position = static_cast<unsigned>(here.at + 1);
  if (header->entries < header->max) {
    place(header, position, entry);
    here.at = static_cast<int>(position);
    level_changed(handle, level);
    if (position == 0) raise_keys(handle, level);
    return {};
  }
  if (fresh.empty()) return Errno::Uclean;  // the caller has counted wrong
  if (level == 0) {
    TRY(grow(handle, fresh[0]));
    return insert_at(handle, 1, entry, fresh.subspan(1));
  }
  // A second node beside this one takes the upper half; at the end of a file that grows, nothing,
  // so that nodes stay full.
  Ref<Buffer> buffer = TRY(make_node(handle, fresh[0], header->depth));
  auto* sibling = reinterpret_cast<DiskExtentHeader*>(buffer->data());
  unsigned kept = position == header->entries ? position : header->entries / 2u;
  sibling->entries = static_cast<uint16_t>(header->entries - kept);
  __builtin_memcpy(sibling + 1, &extents(header)[kept], sibling->entries * kEntry);
  header->entries = static_cast<uint16_t>(kept);
  if (position > kept || kept == header->max) {
    place(sibling, position - kept, entry);
  } else {
    place(header, position, entry);
    if (position == 0) raise_keys(handle, level);
  }
  level_changed(handle, level);
  if (node_.volume().geometry().has_metadata_checksums())
    *checksum_place(sibling) = compute_checksum(node_, sibling);
  handle.dirty(*buffer);
  DiskExtentIndex index = make_index(extents(sibling)[0].logical, fresh[0]);
  return insert_at(handle, level - 1, &index, fresh.subspan(1));
}

Result<> ExtentPath::insert(Handle& handle, const DiskExtent& added,
                            std::span<const uint64_t> fresh) {
  return insert_at(handle, depth_, &added, fresh);
}

Result<> ExtentPath::erase(Handle& handle) {
  for (unsigned level = depth_;; --level) {
    Level& here = levels_[level];
    DiskExtent* entries = extents(here.header);
    auto at = static_cast<unsigned>(here.at);
    __builtin_memmove(&entries[at], &entries[at + 1], (here.header->entries - at - 1) * kEntry);
    --here.header->entries;
    if (here.header->entries != 0 || level == 0) {
      level_changed(handle, level);
      if (at == 0 && here.header->entries != 0) raise_keys(handle, level);
      break;
    }
    uint64_t block = here.buffer->block();
    here.buffer.reset();
    here.header = nullptr;
    TRY(node_.volume().blocks().free(handle, {block, 1}, BlockUse::Metadata));
    node_.add_blocks(-1);
  }
  if (levels_[0].header->entries == 0) levels_[0].header->depth = 0;
  return {};
}

}  // namespace kernel::ext4
