// SPDX-License-Identifier: MIT
// Structures and constants of the file calls as Linux lays them out on arm64 (asm-generic/stat.h,
// linux/stat.h, asm-generic/statfs.h, asm-generic/fcntl.h, linux/openat2.h, linux/uio.h,
// asm-generic/poll.h).
#pragma once

#include "lib/types.h"

namespace kernel::abi {

struct Stat {
  uint64_t device;
  uint64_t inode;
  uint32_t mode;
  uint32_t links;
  uint32_t uid;
  uint32_t gid;
  uint64_t own_device;
  uint64_t hole1;
  int64_t size;
  int32_t block_size;
  int32_t hole2;
  int64_t blocks;
  int64_t access_seconds;
  uint64_t access_nanoseconds;
  int64_t modify_seconds;
  uint64_t modify_nanoseconds;
  int64_t change_seconds;
  uint64_t change_nanoseconds;
  uint32_t unused[2];
};
static_assert(sizeof(Stat) == 128);

struct StatxTime {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t hole;
};
struct Statx {
  uint32_t mask;
  uint32_t block_size;
  uint64_t attributes;
  uint32_t links;
  uint32_t uid;
  uint32_t gid;
  uint16_t mode;
  uint16_t hole1;
  uint64_t inode;
  uint64_t size;
  uint64_t blocks;
  uint64_t attributes_mask;
  StatxTime access, birth, change, modify;
  uint32_t own_device_major, own_device_minor;
  uint32_t device_major, device_minor;
  uint64_t mount_id;
  uint32_t dio_memory_align, dio_offset_align;
  uint64_t spare[12];
};
static_assert(sizeof(Statx) == 256);

struct Statfs {
  int64_t type;
  int64_t block_size;
  uint64_t blocks, free_blocks, available_blocks;
  uint64_t files, free_files;
  int32_t id[2];
  int64_t name_limit;
  int64_t fragment_size;
  int64_t flags;
  int64_t spare[4];
};
static_assert(sizeof(Statfs) == 120);

struct Flock {
  int16_t type;
  int16_t whence;
  int32_t hole1;
  int64_t start;
  int64_t length;
  int32_t pid;
  int32_t hole2;
};
static_assert(sizeof(Flock) == 32);

struct OwnerEx {  // struct f_owner_ex
  int32_t type;
  int32_t pid;
};

struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
static_assert(sizeof(OpenHow) == 24);

struct PollFd {
  int32_t fd;
  int16_t events;
  int16_t returned;
};
static_assert(sizeof(PollFd) == 8);

// The sixth argument of pselect6: a pointer to a signal set, and the set's size.
struct SelectMask {
  uint64_t mask;
  uint64_t size;
};

inline constexpr int32_t kAtFdCwd = -100;
inline constexpr uint32_t kAtSymlinkNoFollow = 0x100, kAtEaccess = 0x200, kAtRemoveDir = 0x200,
                          kAtSymlinkFollow = 0x400, kAtNoAutomount = 0x800, kAtEmptyPath = 0x1000,
                          kAtStatxSyncType = 0x6000;
inline constexpr uint32_t kLargeFile = 0400000;

inline constexpr int64_t kUtimeNow = (1 << 30) - 1, kUtimeOmit = (1 << 30) - 2;

}  // namespace kernel::abi
