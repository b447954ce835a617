// SPDX-License-Identifier: MIT
// What the superblock says of a volume's shape, checked once, in numbers that can be computed with.
// Constant while the volume is mounted.
#pragma once

#include "fs/ext4/format.h"
#include "lib/result.h"
#include "lib/string_view.h"

namespace kernel::ext4 {

struct Geometry {
  uint32_t compatible = 0, incompatible = 0, read_only_compatible = 0;

  uint32_t block_size = 0;
  unsigned block_shift = 0;
  uint64_t blocks = 0;
  uint32_t first_data_block = 0;  // 1 with blocks of 1 KiB, else 0
  uint32_t blocks_per_group = 0;

  uint32_t inodes = 0;
  uint32_t first_inode = 0;  // that is not reserved
  uint32_t inodes_per_group = 0;
  uint32_t inode_size = 0;
  uint16_t want_extra_size = 0;  // of new inodes

  uint32_t groups = 0;
  uint32_t descriptor_size = 0;
  uint32_t descriptors_per_block = 0;
  uint32_t descriptor_blocks = 0;
  uint32_t reserved_descriptor_blocks = 0;
  uint32_t first_meta_group = 0;
  uint32_t backup_groups[2] = {};  // of sparse_super2
  uint32_t groups_per_flex = 1;

  uint32_t checksum_seed = 0;
  uint8_t uuid[16] = {};
  uint32_t hash_seed[4] = {};
  uint8_t default_hash = 0;
  bool unsigned_hash = false;

  bool has_compatible(uint32_t feature) const { return (compatible & feature) != 0; }
  bool has_incompatible(uint32_t feature) const { return (incompatible & feature) != 0; }
  bool has_read_only(uint32_t feature) const { return (read_only_compatible & feature) != 0; }
  bool has_metadata_checksums() const { return has_read_only(kReadOnlyMetadataChecksums); }
  // Descriptors have checksums, so their words on what is not initialised can be believed.
  bool has_group_checksums() const {
    return has_read_only(kReadOnlyMetadataChecksums | kReadOnlyGroupChecksums);
  }

  uint64_t group_start(uint32_t group) const {
    return first_data_block + uint64_t{group} * blocks_per_group;
  }
  // The last group may be shorter.
  uint32_t blocks_in_group(uint32_t group) const;
  uint32_t group_of_block(uint64_t block) const {
    return static_cast<uint32_t>((block - first_data_block) / blocks_per_group);
  }
  uint32_t group_of_inode(uint32_t number) const { return (number - 1) / inodes_per_group; }
  uint32_t inode_table_blocks() const {
    return static_cast<uint32_t>((uint64_t{inodes_per_group} * inode_size + block_size - 1) >>
                                 block_shift);
  }
  bool is_inode(uint64_t number) const { return number >= 1 && number <= inodes; }
  // What the root, or a name in a directory, may refer to.
  bool is_named_inode(uint64_t number) const {
    return number == kRootInode || (number >= first_inode && number <= inodes);
  }
  // A run of blocks of data that lies on the volume.
  bool are_data_blocks(uint64_t first, uint64_t count) const {
    return first > first_data_block && count <= blocks && first <= blocks - count;
  }

  bool has_super_copy(uint32_t group) const;
  // Where the block of descriptors number `index` lies.
  uint64_t descriptor_block(uint32_t index) const;
  // Blocks at the start of a group that its copy of the superblock and the descriptors take.
  uint32_t base_blocks(uint32_t group) const;
  uint64_t max_file_blocks(bool extents) const;
  uint64_t max_file_size(bool extents) const;
};

// Errors: Inval, with a line in the log that says why. `name`: of the device.
Result<Geometry> parse_geometry(const DiskSuper& super, uint64_t device_size, StringView name);
// Can this be mounted, and for writing? Errors: Inval (not at all), RoFs (not for writing).
Result<> check_features(const Geometry& geometry, bool for_writing, StringView name);

uint32_t super_checksum(const DiskSuper& super);

inline uint64_t blocks_count(const DiskSuper& super, bool has_64bit) {
  return super.blocks_count_low | (has_64bit ? uint64_t{super.blocks_count_high} << 32 : 0);
}

}  // namespace kernel::ext4
