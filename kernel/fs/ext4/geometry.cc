// SPDX-License-Identifier: MIT
// See geometry.h. Nothing that the superblock says is believed before it was compared with the
// rest: a damaged one must not lead anywhere outside the volume.

#include "fs/ext4/geometry.h"

#include "lib/crc32c.h"
#include "lib/log.h"

namespace kernel::ext4 {
namespace {

constexpr uint32_t kKnownIncompatible =
    kIncompatFileType | kIncompatRecover | kIncompatMetaGroups | kIncompatExtents | kIncompat64Bit |
    kIncompatFlexGroups | kIncompatEaInode | kIncompatChecksumSeed | kIncompatInlineData;
constexpr uint32_t kKnownReadOnly = kReadOnlySparseSuper | kReadOnlyLargeFile | kReadOnlyHugeFile |
                                    kReadOnlyGroupChecksums | kReadOnlyDirLinks |
                                    kReadOnlyExtraSize | kReadOnlyMetadataChecksums |
                                    kReadOnlyProject | kReadOnlyOrphansPresent;

bool is_power_of(uint32_t value, uint32_t base) {
  while (value > 1 && value % base == 0) value /= base;
  return value == 1;
}

Errno refuse(StringView name, StringView why) {
  log_error("EXT4-fs ({}): {}", name, why);
  return Errno::Inval;
}

std::span<const uint8_t> bytes_of(const DiskSuper& super) {
  return {reinterpret_cast<const uint8_t*>(&super), sizeof super};
}

// Names of features, for messages.
struct FeatureName {
  uint32_t bit;
  StringView name;
};
constexpr FeatureName kIncompatibleNames[] = {
    {0x1, "compression"},
    {kIncompatJournalDevice, "journal_dev"},
    {kIncompatMmp, "mmp"},
    {0x1000, "dirdata"},
    {kIncompatLargeDirectories, "large_dir"},
    {kIncompatEncrypt, "encrypt"},
    {kIncompatCaseFold, "casefold"},
};
constexpr FeatureName kReadOnlyNames[] = {
    {kReadOnlyQuota, "quota"},
    {kReadOnlyBigAlloc, "bigalloc"},
    {kReadOnlyImmutable, "read-only"},
    {kReadOnlyVerity, "verity"},
};

void log_features(StringView name, uint32_t bits, std::span<const FeatureName> names,
                  StringView what) {
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((bits & bit) == 0) continue;
    StringView text = "unknown";
    for (const FeatureName& feature : names) {
      if (feature.bit == bit) text = feature.name;
    }
    log_error("EXT4-fs ({}): {} feature {} ({:x})", name, what, text, bit);
  }
}

Result<> parse_groups(const DiskSuper& super, Geometry& geometry, StringView name) {
  bool wide = geometry.has_incompatible(kIncompat64Bit);
  geometry.descriptor_size = kSmallGroupSize;
  if (wide) {
    uint32_t size = super.descriptor_size;
    if (size < sizeof(DiskGroup) || size > 1024 || !std::has_single_bit(size))
      return refuse(name, "unsupported descriptor size");
    geometry.descriptor_size = size;
  }
  uint32_t bits = geometry.block_size * 8;
  geometry.blocks_per_group = super.blocks_per_group;
  geometry.inodes_per_group = super.inodes_per_group;
  if (super.blocks_per_group < 256 || super.blocks_per_group > bits ||
      super.blocks_per_group % 8 != 0)
    return refuse(name, "bad number of blocks per group");
  if (super.inodes_per_group == 0 || super.inodes_per_group > bits ||
      super.inodes_per_group < geometry.block_size / geometry.inode_size)
    return refuse(name, "bad number of inodes per group");
  if (super.log_cluster_size != super.log_block_size &&
      geometry.has_read_only(kReadOnlyBigAlloc) == false)
    return refuse(name, "cluster and block size differ");

  uint64_t data_blocks = geometry.blocks - geometry.first_data_block;
  uint64_t groups = (data_blocks + geometry.blocks_per_group - 1) / geometry.blocks_per_group;
  if (groups == 0 || groups > 0xffff'ffff / geometry.inodes_per_group)
    return refuse(name, "bad number of groups");
  geometry.groups = static_cast<uint32_t>(groups);
  geometry.inodes = super.inodes_count;
  if (geometry.inodes != geometry.groups * geometry.inodes_per_group)
    return refuse(name, "inode count does not fit the groups");
  geometry.descriptors_per_block = geometry.block_size / geometry.descriptor_size;
  geometry.descriptor_blocks =
      (geometry.groups + geometry.descriptors_per_block - 1) / geometry.descriptors_per_block;
  geometry.reserved_descriptor_blocks = super.reserved_descriptor_blocks;
  if (geometry.reserved_descriptor_blocks > geometry.block_size / 4)
    return refuse(name, "too many reserved descriptor blocks");
  geometry.first_meta_group = super.first_meta_group;
  if (geometry.has_incompatible(kIncompatMetaGroups) &&
      geometry.first_meta_group > geometry.descriptor_blocks)
    return refuse(name, "first meta block group too large");
  geometry.backup_groups[0] = super.backup_groups[0];
  geometry.backup_groups[1] = super.backup_groups[1];
  if (geometry.has_incompatible(kIncompatFlexGroups) && super.log_groups_per_flex != 0) {
    if (super.log_groups_per_flex > 31) return refuse(name, "bad number of groups per flex group");
    geometry.groups_per_flex = 1u << super.log_groups_per_flex;
  }
  return {};
}

Result<> parse_inodes(const DiskSuper& super, Geometry& geometry, StringView name) {
  geometry.inode_size = kOldInodeSize;
  geometry.first_inode = kOldFirstInode;
  if (super.revision == 0) return {};
  geometry.inode_size = super.inode_size;
  geometry.first_inode = super.first_inode;
  if (!std::has_single_bit(geometry.inode_size) || geometry.inode_size < kOldInodeSize ||
      geometry.inode_size > geometry.block_size)
    return refuse(name, "unsupported inode size");
  if (geometry.first_inode < kOldFirstInode) return refuse(name, "invalid first inode");
  if (geometry.inode_size > kOldInodeSize) {
    constexpr uint16_t kOurs = sizeof(DiskInode) - kOldInodeSize;
    uint16_t most = static_cast<uint16_t>(geometry.inode_size - kOldInodeSize);
    geometry.want_extra_size = kOurs < most ? kOurs : most;
    uint16_t wanted =
        super.want_extra_size > super.min_extra_size ? super.want_extra_size : super.min_extra_size;
    if (wanted > geometry.want_extra_size && wanted <= most && wanted % 4 == 0)
      geometry.want_extra_size = wanted;
  }
  return {};
}

}  // namespace

uint32_t super_checksum(const DiskSuper& super) {
  return crc32c(~0u, bytes_of(super).first(offsetof(DiskSuper, checksum)));
}

Result<Geometry> parse_geometry(const DiskSuper& super, uint64_t device_size, StringView name) {
  if (super.magic != kMagic) return Errno::Inval;
  Geometry geometry;
  if (super.revision > 0) {
    geometry.compatible = super.compatible;
    geometry.incompatible = super.incompatible;
    geometry.read_only_compatible = super.read_only_compatible;
  }
  if (geometry.has_metadata_checksums()) {
    if (super.checksum_type != kChecksumCrc32c) return refuse(name, "unknown checksum algorithm");
    if (super.checksum != super_checksum(super)) return refuse(name, "invalid superblock checksum");
    if (geometry.has_read_only(kReadOnlyGroupChecksums))
      log_warning("EXT4-fs ({}): metadata_csum and uninit_bg are redundant flags", name);
  }
  if (super.log_block_size > 2) return refuse(name, "unsupported block size");
  geometry.block_shift = 10 + super.log_block_size;
  geometry.block_size = 1u << geometry.block_shift;
  geometry.blocks = blocks_count(super, geometry.has_incompatible(kIncompat64Bit));
  geometry.first_data_block = super.first_data_block;
  if (super.first_data_block != (geometry.block_size == 1024 ? 1u : 0u))
    return refuse(name, "bad first data block");
  if (geometry.blocks <= geometry.first_data_block || geometry.blocks >> 48 != 0)
    return refuse(name, "bad block count");
  if (geometry.blocks > device_size >> geometry.block_shift) {
    log_error("EXT4-fs ({}): bad geometry: block count {} exceeds size of device ({} blocks)", name,
              geometry.blocks, device_size >> geometry.block_shift);
    return Errno::Inval;
  }
  TRY(parse_inodes(super, geometry, name));
  TRY(parse_groups(super, geometry, name));

  __builtin_memcpy(geometry.uuid, super.uuid, sizeof geometry.uuid);
  geometry.checksum_seed = geometry.has_incompatible(kIncompatChecksumSeed)
                               ? super.checksum_seed
                               : crc32c(~0u, geometry.uuid);
  __builtin_memcpy(geometry.hash_seed, super.hash_seed, sizeof geometry.hash_seed);
  geometry.default_hash = super.default_hash;
  // Without either flag: as the characters of the machine are, and those of this one have no sign.
  geometry.unsigned_hash = (super.flags & kFlagSignedHash) == 0;
  return geometry;
}

Result<> check_features(const Geometry& geometry, bool for_writing, StringView name) {
  uint32_t unknown = geometry.incompatible & ~kKnownIncompatible;
  if (unknown != 0) {
    log_features(name, unknown, kIncompatibleNames, "couldn't mount because of unsupported");
    return Errno::Inval;
  }
  if (!for_writing) return {};
  if (geometry.has_incompatible(kIncompatEaInode)) {
    log_error("EXT4-fs ({}): feature ea_inode: read-only", name);
    return Errno::RoFs;
  }
  unknown = geometry.read_only_compatible & ~kKnownReadOnly;
  if (unknown == 0) return {};
  log_features(name, unknown, kReadOnlyNames, "couldn't mount RDWR because of unsupported");
  return Errno::RoFs;
}

uint32_t Geometry::blocks_in_group(uint32_t group) const {
  if (group + 1 < groups) return blocks_per_group;
  return static_cast<uint32_t>(blocks - group_start(group));
}

bool Geometry::has_super_copy(uint32_t group) const {
  if (group == 0) return true;
  if (has_compatible(kCompatSparseSuper2))
    return group == backup_groups[0] || group == backup_groups[1];
  if (group == 1 || !has_read_only(kReadOnlySparseSuper)) return true;
  if (group % 2 == 0) return false;
  return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

uint64_t Geometry::descriptor_block(uint32_t index) const {
  uint32_t super_block = block_size == 1024 ? 1 : 0;
  if (!has_incompatible(kIncompatMetaGroups) || index < first_meta_group)
    return super_block + 1 + index;
  // Meta groups: each block of descriptors lies in the first of the groups that it describes.
  uint32_t group = index * descriptors_per_block;
  return group_start(group) + (has_super_copy(group) ? 1 : 0);
}

uint32_t Geometry::base_blocks(uint32_t group) const {
  uint32_t copy = has_super_copy(group) ? 1 : 0;
  bool meta = has_incompatible(kIncompatMetaGroups) &&
              group >= uint64_t{first_meta_group} * descriptors_per_block;
  if (!meta) {
    if (copy == 0) return 0;
    uint32_t own = has_incompatible(kIncompatMetaGroups) ? first_meta_group : descriptor_blocks;
    return copy + own + reserved_descriptor_blocks;
  }
  uint32_t in_meta = group % descriptors_per_block;
  bool holds = in_meta == 0 || in_meta == 1 || in_meta == descriptors_per_block - 1;
  return copy + (holds ? 1 : 0);
}

uint64_t Geometry::max_file_blocks(bool extents) const {
  if (extents) return 0xffff'ffff;  // the last number means "behind everything"
  uint64_t pointers = block_size / 4;
  return kDirectBlocks + pointers + pointers * pointers + pointers * pointers * pointers;
}

uint64_t Geometry::max_file_size(bool extents) const {
  uint64_t limit = max_file_blocks(extents) << block_shift;
  if (extents) return limit;
  // A count of 512-byte units of 32 bits (48 with huge_file) must hold the file and its map.
  uint64_t pointers = block_size / 4;
  uint64_t map = 1 + (1 + pointers) + (1 + pointers + pointers * pointers);
  uint64_t countable = has_read_only(kReadOnlyHugeFile)
                           ? (uint64_t{1} << 48) - 1
                           : uint64_t{0xffff'ffff} >> (block_shift - 9);
  countable = countable > map ? countable - map : 0;
  uint64_t counted = countable << block_shift;
  return limit < counted ? limit : counted;
}

}  // namespace kernel::ext4
