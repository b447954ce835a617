// SPDX-License-Identifier: MIT
// See groups.h.

#include "fs/ext4/groups.h"

#include "fs/ext4/volume.h"
#include "lib/crc32c.h"

namespace kernel::ext4 {
namespace {

uint64_t join(uint32_t low, uint32_t high, bool wide) {
  return low | (wide ? uint64_t{high} << 32 : 0);
}
uint32_t join(uint16_t low, uint16_t high, bool wide) {
  return low | (wide ? uint32_t{high} << 16 : 0);
}
void split(uint32_t value, uint16_t& low, uint16_t& high, bool wide) {
  low = static_cast<uint16_t>(value);
  if (wide) high = static_cast<uint16_t>(value >> 16);
}

std::span<const uint8_t> bytes_of(const uint32_t& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

}  // namespace

bool Groups::is_wide() const { return volume_.geometry().descriptor_size >= sizeof(DiskGroup); }

Buffer& Groups::buffer_of(uint32_t group) const {
  return *buffers_[group / volume_.geometry().descriptors_per_block];
}

DiskGroup& Groups::at(uint32_t group) const {
  const Geometry& geometry = volume_.geometry();
  size_t offset = size_t{group % geometry.descriptors_per_block} * geometry.descriptor_size;
  return *reinterpret_cast<DiskGroup*>(buffer_of(group).data() + offset);
}

Result<> Groups::load() {
  const Geometry& geometry = volume_.geometry();
  Guard guard(lock);
  buffers_.clear();
  TRY(buffers_.reserve(geometry.descriptor_blocks));
  for (uint32_t i = 0; i < geometry.descriptor_blocks; ++i)
    buffers_.append_reserved(TRY(volume_.buffers().read(geometry.descriptor_block(i))));
  bad_.clear();
  TRY(bad_.resize(geometry.groups));
  uint64_t blocks = 0, inodes = 0;
  BlockSet fixed;
  for (uint32_t group = 0; group < geometry.groups; ++group) {
    TRY(check(group));
    TRY(fixed.add(geometry.group_start(group), geometry.base_blocks(group)));
    TRY(fixed.add(block_bitmap(group), 1));
    TRY(fixed.add(inode_bitmap(group), 1));
    TRY(fixed.add(inode_table(group), geometry.inode_table_blocks()));
    blocks += free_blocks(group);
    inodes += free_inodes(group);
  }
  free_blocks_.store_relaxed(blocks);
  free_inodes_.store_relaxed(inodes);
  fixed_ = std::move(fixed);
  return {};
}

void Groups::unload() { buffers_.clear(); }

uint16_t Groups::checksum(uint32_t group) const {
  const Geometry& geometry = volume_.geometry();
  auto* bytes = reinterpret_cast<const uint8_t*>(&at(group));
  constexpr size_t kField = offsetof(DiskGroup, checksum), kBehind = kField + 2;
  std::span<const uint8_t> head{bytes, kField};
  std::span<const uint8_t> tail{bytes + kBehind, geometry.descriptor_size - kBehind};
  if (geometry.has_metadata_checksums()) {
    static constexpr uint8_t kZeros[2] = {};
    uint32_t crc = crc32c(geometry.checksum_seed, bytes_of(group));
    crc = crc32c(crc32c(crc, head), kZeros);
    return static_cast<uint16_t>(crc32c(crc, tail));
  }
  uint16_t crc = crc16(0xffff, geometry.uuid);
  crc = crc16(crc16(crc, bytes_of(group)), head);
  return is_wide() ? crc16(crc, tail) : crc;
}

// Linux mounts nothing with a bad descriptor either.
Result<> Groups::check(uint32_t group) const {
  const Geometry& geometry = volume_.geometry();
  if (geometry.has_group_checksums() && checksum(group) != at(group).checksum) {
    log_error("EXT4-fs ({}): group {} descriptor checksum is bad", volume_.name(), group);
    return Errno::Uclean;
  }
  bool flexible = geometry.has_incompatible(kIncompatFlexGroups);
  uint64_t first = flexible ? geometry.first_data_block : geometry.group_start(group);
  uint64_t end =
      flexible ? geometry.blocks : geometry.group_start(group) + geometry.blocks_in_group(group);
  auto inside = [&](uint64_t block, uint64_t count) {
    return block > geometry.first_data_block && block >= first && block < end &&
           count <= end - block;
  };
  if (!inside(block_bitmap(group), 1) || !inside(inode_bitmap(group), 1) ||
      !inside(inode_table(group), geometry.inode_table_blocks())) {
    log_error("EXT4-fs ({}): group {}: its metadata lies outside", volume_.name(), group);
    return Errno::Uclean;
  }
  return {};
}

uint64_t Groups::block_bitmap(uint32_t group) const {
  const DiskGroup& entry = at(group);
  return join(entry.block_bitmap_low, is_wide() ? entry.block_bitmap_high : 0, true);
}
uint64_t Groups::inode_bitmap(uint32_t group) const {
  const DiskGroup& entry = at(group);
  return join(entry.inode_bitmap_low, is_wide() ? entry.inode_bitmap_high : 0, true);
}
uint64_t Groups::inode_table(uint32_t group) const {
  const DiskGroup& entry = at(group);
  return join(entry.inode_table_low, is_wide() ? entry.inode_table_high : 0, true);
}
uint32_t Groups::free_blocks(uint32_t group) const {
  const DiskGroup& entry = at(group);
  return is_wide() ? join(entry.free_blocks_low, entry.free_blocks_high, true)
                   : entry.free_blocks_low;
}
uint32_t Groups::free_inodes(uint32_t group) const {
  const DiskGroup& entry = at(group);
  return is_wide() ? join(entry.free_inodes_low, entry.free_inodes_high, true)
                   : entry.free_inodes_low;
}
uint32_t Groups::directories(uint32_t group) const {
  const DiskGroup& entry = at(group);
  return is_wide() ? join(entry.directories_low, entry.directories_high, true)
                   : entry.directories_low;
}
uint32_t Groups::unused_inodes(uint32_t group) const {
  const Geometry& geometry = volume_.geometry();
  if (!geometry.has_group_checksums()) return 0;
  const DiskGroup& entry = at(group);
  uint32_t count = is_wide() ? join(entry.unused_inodes_low, entry.unused_inodes_high, true)
                             : entry.unused_inodes_low;
  return count < geometry.inodes_per_group ? count : geometry.inodes_per_group;
}
bool Groups::has_flag(uint32_t group, uint16_t flag) const {
  return volume_.geometry().has_group_checksums() && (at(group).flags & flag) != 0;
}

Result<> Groups::begin(Handle& handle, uint32_t group) { return handle.modify(buffer_of(group)); }

void Groups::set_free_blocks(uint32_t group, uint32_t count) {
  DiskGroup& entry = at(group);
  free_blocks_.fetch_add_relaxed(uint64_t{count} - free_blocks(group));
  uint16_t none = 0;
  split(count, entry.free_blocks_low, is_wide() ? entry.free_blocks_high : none, is_wide());
}
void Groups::set_free_inodes(uint32_t group, uint32_t count) {
  DiskGroup& entry = at(group);
  free_inodes_.fetch_add_relaxed(uint64_t{count} - free_inodes(group));
  uint16_t none = 0;
  split(count, entry.free_inodes_low, is_wide() ? entry.free_inodes_high : none, is_wide());
}
void Groups::set_directories(uint32_t group, uint32_t count) {
  DiskGroup& entry = at(group);
  uint16_t none = 0;
  split(count, entry.directories_low, is_wide() ? entry.directories_high : none, is_wide());
}
void Groups::set_unused_inodes(uint32_t group, uint32_t count) {
  if (!volume_.geometry().has_group_checksums()) return;
  DiskGroup& entry = at(group);
  uint16_t none = 0;
  split(count, entry.unused_inodes_low, is_wide() ? entry.unused_inodes_high : none, is_wide());
}
void Groups::clear_flag(uint32_t group, uint16_t flag) {
  at(group).flags = static_cast<uint16_t>(at(group).flags & ~flag);
}

void Groups::end(Handle& handle, uint32_t group) {
  if (volume_.geometry().has_group_checksums()) at(group).checksum = checksum(group);
  handle.dirty(buffer_of(group));
}

// --- Bitmaps ---------------------------------------------------------------------------

uint32_t Groups::bitmap_checksum(const Buffer& bitmap, uint32_t bytes) const {
  return crc32c(volume_.geometry().checksum_seed, {bitmap.data(), bytes});
}

bool Groups::is_bitmap_intact(uint32_t group, Buffer& bitmap, bool of_blocks) const {
  const Geometry& geometry = volume_.geometry();
  const DiskGroup& entry = at(group);
  if (geometry.has_metadata_checksums()) {
    uint32_t bits = of_blocks ? geometry.blocks_per_group : geometry.inodes_per_group;
    uint32_t low = of_blocks ? entry.block_bitmap_checksum_low : entry.inode_bitmap_checksum_low;
    uint32_t expected = low;
    uint32_t computed = bitmap_checksum(bitmap, bits / 8);
    if (is_wide()) {
      expected |=
          uint32_t{of_blocks ? entry.block_bitmap_checksum_high : entry.inode_bitmap_checksum_high}
          << 16;
    } else {
      computed &= 0xffff;
    }
    if (expected != computed) return false;
  }
  if (!of_blocks) return true;
  // The group's own metadata is in use; so much is certain.
  uint64_t start = geometry.group_start(group);
  BitArray bits(bitmap.data(), geometry.block_size * 8);
  auto in_use = [&](uint64_t first, uint32_t count) {
    if (first < start || first - start + count > geometry.blocks_in_group(group)) return true;
    auto index = static_cast<uint32_t>(first - start);
    return bits.find(false, index, index + count) == index + count;
  };
  return in_use(block_bitmap(group), 1) && in_use(inode_bitmap(group), 1) &&
         in_use(inode_table(group), geometry.inode_table_blocks());
}

Errno Groups::mark_bad(uint32_t group, StringView what) {
  if (bad_[group] == 0) {
    bad_[group] = 1;
    static_cast<void>(volume_.corrupted(0, "corrupt {} bitmap of group {}", what, group));
  }
  return Errno::BadMsg;
}

void Groups::fill_block_bitmap(uint32_t group, Buffer& bitmap) const {
  const Geometry& geometry = volume_.geometry();
  BitArray bits(bitmap.data(), geometry.block_size * 8);
  uint32_t size = geometry.blocks_in_group(group);
  uint32_t base = geometry.base_blocks(group);
  bits.set_range(0, base < size ? base : size);
  uint64_t start = geometry.group_start(group);
  auto mark = [&](uint64_t first, uint32_t count) {
    for (uint64_t block = first; block < first + count; ++block) {
      if (block >= start && block - start < size) bits.set(static_cast<uint32_t>(block - start));
    }
  };
  mark(block_bitmap(group), 1);
  mark(inode_bitmap(group), 1);
  mark(inode_table(group), geometry.inode_table_blocks());
  bits.set_range(size, bits.size() - size);
}

Result<Ref<Buffer>> Groups::block_bitmap_for_change(Handle& handle, uint32_t group) {
  if (is_bad(group)) return Errno::BadMsg;
  if (has_flag(group, kGroupBlocksUninitialised)) {
    Ref<Buffer> bitmap = TRY(volume_.buffers().fresh(block_bitmap(group)));
    TRY(handle.create(*bitmap));
    fill_block_bitmap(group, *bitmap);
    clear_flag(group, kGroupBlocksUninitialised);
    block_bitmap_changed(handle, group, *bitmap);
    bitmap->set_verified(kVerifiedBlockBitmap);
    return bitmap;
  }
  Ref<Buffer> bitmap = TRY(volume_.buffers().read(block_bitmap(group)));
  if (bitmap->verified() != kVerifiedBlockBitmap) {
    if (!is_bitmap_intact(group, *bitmap, true)) return mark_bad(group, "block");
    bitmap->set_verified(kVerifiedBlockBitmap);
  }
  TRY(handle.modify(*bitmap));
  return bitmap;
}

Result<Ref<Buffer>> Groups::inode_bitmap_for_change(Handle& handle, uint32_t group) {
  const Geometry& geometry = volume_.geometry();
  if (is_bad(group)) return Errno::BadMsg;
  if (has_flag(group, kGroupInodesUninitialised)) {
    Ref<Buffer> bitmap = TRY(volume_.buffers().fresh(inode_bitmap(group)));
    TRY(handle.create(*bitmap));
    BitArray bits(bitmap->data(), geometry.block_size * 8);
    bits.set_range(geometry.inodes_per_group, bits.size() - geometry.inodes_per_group);
    clear_flag(group, kGroupInodesUninitialised);
    inode_bitmap_changed(handle, group, *bitmap);
    bitmap->set_verified(kVerifiedInodeBitmap);
    return bitmap;
  }
  Ref<Buffer> bitmap = TRY(volume_.buffers().read(inode_bitmap(group)));
  if (bitmap->verified() != kVerifiedInodeBitmap) {
    if (!is_bitmap_intact(group, *bitmap, false)) return mark_bad(group, "inode");
    bitmap->set_verified(kVerifiedInodeBitmap);
  }
  TRY(handle.modify(*bitmap));
  return bitmap;
}

void Groups::block_bitmap_changed(Handle& handle, uint32_t group, Buffer& bitmap) {
  const Geometry& geometry = volume_.geometry();
  if (geometry.has_metadata_checksums()) {
    DiskGroup& entry = at(group);
    uint16_t none = 0;
    split(bitmap_checksum(bitmap, geometry.blocks_per_group / 8), entry.block_bitmap_checksum_low,
          is_wide() ? entry.block_bitmap_checksum_high : none, is_wide());
  }
  handle.dirty(bitmap);
}

void Groups::inode_bitmap_changed(Handle& handle, uint32_t group, Buffer& bitmap) {
  const Geometry& geometry = volume_.geometry();
  if (geometry.has_metadata_checksums()) {
    DiskGroup& entry = at(group);
    uint16_t none = 0;
    split(bitmap_checksum(bitmap, geometry.inodes_per_group / 8), entry.inode_bitmap_checksum_low,
          is_wide() ? entry.inode_bitmap_checksum_high : none, is_wide());
  }
  handle.dirty(bitmap);
}

bool Groups::may_be_data(uint64_t first, uint64_t count) const {
  return volume_.geometry().are_data_blocks(first, count) && !fixed_.touches(first, count);
}

}  // namespace kernel::ext4
