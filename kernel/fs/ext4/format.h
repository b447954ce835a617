// SPDX-License-Identifier: MIT
// What lies on an ext2, ext3 or ext4 volume, byte by byte (Linux: Documentation/filesystems/ext4;
// e2fsprogs: ext2_fs.h). Everything is little-endian, as are the machines that this runs on.
#pragma once

#include <bit>

#include "lib/types.h"

namespace kernel::ext4 {

static_assert(std::endian::native == std::endian::little);

// --- Features --------------------------------------------------------------------

// Compatible: an implementation that does not know one may write all the same.
inline constexpr uint32_t kCompatHasJournal = 0x4, kCompatDirIndex = 0x20,
                          kCompatSparseSuper2 = 0x200, kCompatOrphanFile = 0x1000;
// Incompatible: one that is not known forbids to mount.
inline constexpr uint32_t kIncompatFileType = 0x2, kIncompatRecover = 0x4,
                          kIncompatJournalDevice = 0x8, kIncompatMetaGroups = 0x10,
                          kIncompatExtents = 0x40, kIncompat64Bit = 0x80, kIncompatMmp = 0x100,
                          kIncompatFlexGroups = 0x200, kIncompatEaInode = 0x400,
                          kIncompatChecksumSeed = 0x2000, kIncompatLargeDirectories = 0x4000,
                          kIncompatInlineData = 0x8000, kIncompatEncrypt = 0x10000,
                          kIncompatCaseFold = 0x20000;
// Read-only compatible: one that is not known forbids to write.
inline constexpr uint32_t kReadOnlySparseSuper = 0x1, kReadOnlyLargeFile = 0x2,
                          kReadOnlyHugeFile = 0x8, kReadOnlyGroupChecksums = 0x10,
                          kReadOnlyDirLinks = 0x20, kReadOnlyExtraSize = 0x40,
                          kReadOnlyQuota = 0x100, kReadOnlyBigAlloc = 0x200,
                          kReadOnlyMetadataChecksums = 0x400, kReadOnlyImmutable = 0x1000,
                          kReadOnlyProject = 0x2000, kReadOnlyVerity = 0x8000,
                          kReadOnlyOrphansPresent = 0x10000;

// --- The superblock ----------------------------------------------------------------

inline constexpr uint64_t kSuperOffset = 1024;
inline constexpr size_t kSuperSize = 1024;
inline constexpr uint16_t kMagic = 0xef53;
inline constexpr uint16_t kStateValid = 1, kStateErrors = 2;
inline constexpr uint32_t kFlagSignedHash = 1;
inline constexpr uint8_t kChecksumCrc32c = 1;

struct DiskSuper {
  uint32_t inodes_count;
  uint32_t blocks_count_low;
  uint32_t reserved_blocks_low;
  uint32_t free_blocks_low;
  uint32_t free_inodes;
  uint32_t first_data_block;
  uint32_t log_block_size;  // 2^(10 + n)
  uint32_t log_cluster_size;
  uint32_t blocks_per_group;
  uint32_t clusters_per_group;
  uint32_t inodes_per_group;
  uint32_t mount_time;
  uint32_t write_time;
  uint16_t mount_count;
  uint16_t max_mount_count;
  uint16_t magic;
  uint16_t state;
  uint16_t errors;  // what to do about one: 1 continue, 2 read-only, 3 panic
  uint16_t minor_revision;
  uint32_t last_check;
  uint32_t check_interval;
  uint32_t creator_os;
  uint32_t revision;
  uint16_t reserved_uid;
  uint16_t reserved_gid;
  uint32_t first_inode;  // that is not reserved
  uint16_t inode_size;
  uint16_t group_of_this_copy;
  uint32_t compatible;
  uint32_t incompatible;
  uint32_t read_only_compatible;
  uint8_t uuid[16];
  char volume_name[16];
  char last_mounted[64];
  uint32_t compression;
  uint8_t preallocate_blocks;
  uint8_t preallocate_directory_blocks;
  uint16_t reserved_descriptor_blocks;
  uint8_t journal_uuid[16];
  uint32_t journal_inode;
  uint32_t journal_device;
  uint32_t last_orphan;
  uint32_t hash_seed[4];
  uint8_t default_hash;
  uint8_t journal_backup_type;
  uint16_t descriptor_size;
  uint32_t default_mount_options;
  uint32_t first_meta_group;
  uint32_t made_time;
  uint32_t journal_blocks[17];
  uint32_t blocks_count_high;
  uint32_t reserved_blocks_high;
  uint32_t free_blocks_high;
  uint16_t min_extra_size;
  uint16_t want_extra_size;
  uint32_t flags;
  uint16_t raid_stride;
  uint16_t mmp_interval;
  uint64_t mmp_block;
  uint32_t raid_stripe_width;
  uint8_t log_groups_per_flex;
  uint8_t checksum_type;
  uint8_t encryption_level;
  uint8_t reserved_pad;
  uint64_t kilobytes_written;
  uint32_t snapshot[5];
  uint32_t error_count;
  uint32_t first_error_time;
  uint32_t first_error_inode;
  uint64_t first_error_block;
  char first_error_function[32];
  uint32_t first_error_line;
  uint32_t last_error_time;
  uint32_t last_error_inode;
  uint32_t last_error_line;
  uint64_t last_error_block;
  char last_error_function[32];
  char mount_options[64];
  uint32_t user_quota_inode;
  uint32_t group_quota_inode;
  uint32_t overhead_clusters;
  uint32_t backup_groups[2];
  uint8_t encryption_algorithms[4];
  uint8_t encryption_salt[16];
  uint32_t lost_and_found_inode;
  uint32_t project_quota_inode;
  uint32_t checksum_seed;
  uint8_t write_time_high;
  uint8_t mount_time_high;
  uint8_t made_time_high;
  uint8_t last_check_high;
  uint8_t first_error_time_high;
  uint8_t last_error_time_high;
  uint8_t first_error_code;
  uint8_t last_error_code;
  uint16_t encoding;
  uint16_t encoding_flags;
  uint32_t orphan_file_inode;
  uint32_t reserved[94];
  uint32_t checksum;
};
static_assert(sizeof(DiskSuper) == kSuperSize);
static_assert(offsetof(DiskSuper, magic) == 0x38);
static_assert(offsetof(DiskSuper, compatible) == 0x5c);
static_assert(offsetof(DiskSuper, journal_uuid) == 0xd0);
static_assert(offsetof(DiskSuper, hash_seed) == 0xec);
static_assert(offsetof(DiskSuper, default_mount_options) == 0x100);
static_assert(offsetof(DiskSuper, blocks_count_high) == 0x150);
static_assert(offsetof(DiskSuper, mmp_block) == 0x168);
static_assert(offsetof(DiskSuper, error_count) == 0x194);
static_assert(offsetof(DiskSuper, first_error_block) == 0x1a0);
static_assert(offsetof(DiskSuper, last_error_block) == 0x1d8);
static_assert(offsetof(DiskSuper, backup_groups) == 0x24c);
static_assert(offsetof(DiskSuper, checksum_seed) == 0x270);
static_assert(offsetof(DiskSuper, orphan_file_inode) == 0x280);
static_assert(offsetof(DiskSuper, checksum) == 0x3fc);

// default_mount_options
inline constexpr uint32_t kDefaultJournalMode = 0x60, kDefaultNoBarrier = 0x100,
                          kDefaultDiscard = 0x400, kDefaultNoDelalloc = 0x800;

// --- Group descriptors ---------------------------------------------------------------

inline constexpr uint16_t kGroupInodesUninitialised = 1, kGroupBlocksUninitialised = 2;

// The first 32 bytes are all of it without the 64bit feature.
struct DiskGroup {
  uint32_t block_bitmap_low;
  uint32_t inode_bitmap_low;
  uint32_t inode_table_low;
  uint16_t free_blocks_low;
  uint16_t free_inodes_low;
  uint16_t directories_low;
  uint16_t flags;
  uint32_t exclude_bitmap_low;
  uint16_t block_bitmap_checksum_low;
  uint16_t inode_bitmap_checksum_low;
  uint16_t unused_inodes_low;  // at the end of the table, never written
  uint16_t checksum;
  uint32_t block_bitmap_high;
  uint32_t inode_bitmap_high;
  uint32_t inode_table_high;
  uint16_t free_blocks_high;
  uint16_t free_inodes_high;
  uint16_t directories_high;
  uint16_t unused_inodes_high;
  uint32_t exclude_bitmap_high;
  uint16_t block_bitmap_checksum_high;
  uint16_t inode_bitmap_checksum_high;
  uint32_t reserved;
};
inline constexpr size_t kSmallGroupSize = 32;
static_assert(sizeof(DiskGroup) == 64);
static_assert(offsetof(DiskGroup, checksum) == 0x1e);
static_assert(offsetof(DiskGroup, block_bitmap_high) == kSmallGroupSize);
static_assert(offsetof(DiskGroup, block_bitmap_checksum_high) == 0x38);

// --- Inodes ----------------------------------------------------------------------------

inline constexpr uint32_t kRootInode = 2, kOldFirstInode = 11;
inline constexpr size_t kBlockMapBytes = 60;

inline constexpr uint32_t kInodeSync = 0x8, kInodeImmutable = 0x10, kInodeAppend = 0x20,
                          kInodeNoDump = 0x40, kInodeNoAtime = 0x80, kInodeEncrypt = 0x800,
                          kInodeIndex = 0x1000, kInodeJournalData = 0x4000, kInodeNoTail = 0x8000,
                          kInodeDirSync = 0x10000, kInodeTopDirectory = 0x20000,
                          kInodeHugeFile = 0x40000, kInodeExtents = 0x80000,
                          kInodeVerity = 0x100000, kInodeEaInode = 0x200000,
                          kInodeInlineData = 0x10000000, kInodeProjectInherit = 0x20000000,
                          kInodeCaseFold = 0x40000000;

struct DiskInode {
  uint16_t mode;
  uint16_t uid_low;
  uint32_t size_low;
  uint32_t access_time;
  uint32_t change_time;
  uint32_t modify_time;
  uint32_t delete_time;  // of an orphan: the next one's number
  uint16_t gid_low;
  uint16_t links;
  uint32_t blocks_low;  // 512-byte units, or file-system blocks (kInodeHugeFile)
  uint32_t flags;
  uint32_t version_low;
  uint8_t block_map[kBlockMapBytes];  // extents, block numbers, a short link, inline data, a device
  uint32_t generation;
  uint32_t xattr_block_low;
  uint32_t size_high;
  uint32_t fragment;
  uint16_t blocks_high;
  uint16_t xattr_block_high;
  uint16_t uid_high;
  uint16_t gid_high;
  uint16_t checksum_low;
  uint16_t reserved;
  // Behind kOldInodeSize; `extra_size` says how much of it there is.
  uint16_t extra_size;
  uint16_t checksum_high;
  uint32_t change_extra;  // two bits of seconds, thirty of nanoseconds
  uint32_t modify_extra;
  uint32_t access_extra;
  uint32_t birth_time;
  uint32_t birth_extra;
  uint32_t version_high;
  uint32_t project;
};
inline constexpr size_t kOldInodeSize = 128;
static_assert(sizeof(DiskInode) == 160);
static_assert(offsetof(DiskInode, block_map) == 0x28);
static_assert(offsetof(DiskInode, generation) == 0x64);
static_assert(offsetof(DiskInode, checksum_low) == 0x7c);
static_assert(offsetof(DiskInode, extra_size) == kOldInodeSize);
static_assert(offsetof(DiskInode, project) == 0x9c);

// True when a field that ends at `end` is there in an inode with `extra_size` extra bytes.
constexpr bool fits_in_extra(size_t end, size_t extra_size) {
  return end <= kOldInodeSize + extra_size;
}

// --- Block maps --------------------------------------------------------------------------

// Direct blocks, then one tree each of one, two and three levels (ext2, ext3).
inline constexpr unsigned kDirectBlocks = 12, kIndirect = 12, kMapEntries = 15;

inline constexpr uint16_t kExtentMagic = 0xf30a;
inline constexpr uint16_t kMaxExtentDepth = 5;
inline constexpr uint32_t kMaxExtentLength = 32768;  // longer: unwritten, by that much less
inline constexpr uint32_t kMaxUnwrittenLength = 32767;

struct DiskExtentHeader {
  uint16_t magic;
  uint16_t entries;
  uint16_t max;
  uint16_t depth;  // 0: a leaf
  uint32_t generation;
};
struct DiskExtent {
  uint32_t logical;
  uint16_t length;
  uint16_t physical_high;
  uint32_t physical_low;
};
struct DiskExtentIndex {
  uint32_t logical;
  uint32_t child_low;
  uint16_t child_high;
  uint16_t unused;
};
static_assert(sizeof(DiskExtentHeader) == 12 && sizeof(DiskExtent) == 12 &&
              sizeof(DiskExtentIndex) == 12);

// --- Directories ----------------------------------------------------------------------------

struct DiskEntry {
  uint32_t inode;   // 0: unused
  uint16_t length;  // up to the next one
  uint8_t name_length;
  uint8_t type;  // kType*; the high byte of name_length without the filetype feature
  char name[];
};
static_assert(sizeof(DiskEntry) == 8);
inline constexpr uint8_t kTypeUnknown = 0, kTypeRegular = 1, kTypeDirectory = 2, kTypeChar = 3,
                         kTypeBlock = 4, kTypeFifo = 5, kTypeSocket = 6, kTypeSymlink = 7,
                         kTypeChecksum = 0xde;
inline constexpr size_t kMaxName = 255;
constexpr size_t entry_size(size_t name_length) { return (8 + name_length + 3) & ~size_t{3}; }

// Looks like an unused entry of 12 bytes at the end of a leaf.
struct DiskEntryTail {
  uint32_t zero_inode;
  uint16_t length;
  uint8_t zero_name_length;
  uint8_t type;
  uint32_t checksum;
};
static_assert(sizeof(DiskEntryTail) == 12);

// Hash trees: the first block has "." and ".." (which spans the rest), then this.
struct DiskHashInfo {
  uint32_t reserved;
  uint8_t version;
  uint8_t length;  // of this
  uint8_t levels;  // below the root
  uint8_t flags;
};
inline constexpr size_t kHashRootInfo = 24, kHashNodeCount = 8;  // offsets
struct DiskHashEntry {
  uint32_t hash;  // of the first one: limit and count, 16 bits each
  uint32_t block;
};
struct DiskHashCount {
  uint16_t limit;
  uint16_t count;
};
struct DiskHashTail {
  uint32_t reserved;
  uint32_t checksum;
};
static_assert(sizeof(DiskHashInfo) == 8 && sizeof(DiskHashEntry) == 8 && sizeof(DiskHashTail) == 8);

inline constexpr uint8_t kHashLegacy = 0, kHashHalfMd4 = 1, kHashTea = 2, kHashUnsignedShift = 3;

// --- Extended attributes --------------------------------------------------------------------

inline constexpr uint32_t kXattrMagic = 0xea02'0000;

struct DiskXattrHeader {
  uint32_t magic;
  uint32_t references;  // inodes that share the block
  uint32_t blocks;      // 1
  uint32_t hash;        // of all entries
  uint32_t checksum;
  uint32_t reserved[3];
};
struct DiskXattrEntry {
  uint8_t name_length;
  uint8_t name_index;
  uint16_t value_offset;
  uint32_t value_inode;
  uint32_t value_size;
  uint32_t hash;
  char name[];
};
static_assert(sizeof(DiskXattrHeader) == 32 && sizeof(DiskXattrEntry) == 16);
inline constexpr uint8_t kXattrUser = 1, kXattrTrusted = 4, kXattrSecurity = 6, kXattrSystem = 7;

// --- What a block in memory was checked to be (Buffer::verified) ---

enum VerifiedAs : uint32_t {
  kVerifiedBlockBitmap = 1,
  kVerifiedInodeBitmap,
  kVerifiedExtents,
  kVerifiedLeaf,
  kVerifiedIndex,
  kVerifiedXattrs,
  kVerifiedOrphans,
};

// --- Orphans ------------------------------------------------------------------------------------

inline constexpr uint32_t kOrphanMagic = 0x0b10'ca04;
struct DiskOrphanTail {
  uint32_t magic;
  uint32_t checksum;
};

}  // namespace kernel::ext4
