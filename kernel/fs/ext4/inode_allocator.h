// SPDX-License-Identifier: MIT
// Which inode numbers are given to whom: files near their directory, directories of the root spread
// over the volume.
#pragma once

#include "fs/ext4/groups.h"

namespace kernel::ext4 {

class InodeAllocator : public Pinned {
 public:
  InodeAllocator(Volume& volume, Groups& groups) : volume_(volume), groups_(groups) {}

  // The number of an inode that nobody uses, now in use. `parent`: the directory's number. Errors:
  // NoSpc, Io, BadMsg. Of the handle's credits: 3.
  Result<uint32_t> allocate(Handle& handle, uint32_t parent, bool is_directory);
  // Of the handle's credits: 2.
  Result<> free(Handle& handle, uint32_t number, bool is_directory);
  // Whether the bitmap says that it is in use: for orphans, whose numbers may be anything.
  Result<bool> is_in_use(Handle& handle, uint32_t number);

 private:
  uint32_t first_group(uint32_t parent, bool is_directory) REQUIRES(groups_.lock);
  Result<uint32_t> allocate_in(Handle& handle, uint32_t group, bool is_directory)
      REQUIRES(groups_.lock);

  Volume& volume_;
  Groups& groups_;
};

}  // namespace kernel::ext4
