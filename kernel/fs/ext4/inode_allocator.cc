// SPDX-License-Identifier: MIT
// See inode_allocator.h.

#include "fs/ext4/inode_allocator.h"

#include "fs/ext4/volume.h"

namespace kernel::ext4 {

// A directory below the root starts where there is most room; others stay with their parent while
// its group has some.
uint32_t InodeAllocator::first_group(uint32_t parent, bool is_directory) {
  const Geometry& geometry = volume_.geometry();
  uint32_t own = geometry.group_of_inode(parent);
  if (!is_directory || parent != kRootInode) return own;
  uint64_t average = groups_.total_free_inodes() / geometry.groups;
  uint32_t best = own, most = 0;
  for (uint32_t group = 0; group < geometry.groups; ++group) {
    if (groups_.is_bad(group) || groups_.free_inodes(group) == 0) continue;
    if (groups_.free_inodes(group) < average) continue;
    uint32_t free = groups_.free_blocks(group);
    if (free <= most) continue;
    most = free;
    best = group;
  }
  return best;
}

Result<uint32_t> InodeAllocator::allocate(Handle& handle, uint32_t parent, bool is_directory) {
  const Geometry& geometry = volume_.geometry();
  Guard guard(groups_.lock);
  uint32_t first = first_group(parent, is_directory);
  // First where there are blocks as well.
  for (unsigned pass = 0; pass < 2; ++pass) {
    for (uint32_t step = 0; step < geometry.groups; ++step) {
      uint32_t group = static_cast<uint32_t>((uint64_t{first} + step) % geometry.groups);
      if (groups_.is_bad(group) || groups_.free_inodes(group) == 0) continue;
      if (pass == 0 && groups_.free_blocks(group) == 0) continue;
      Result<uint32_t> number = allocate_in(handle, group, is_directory);
      if (number.ok()) return number;
      if (!number.failed_with(Errno::NoSpc) && !number.failed_with(Errno::BadMsg)) return number;
    }
  }
  return Errno::NoSpc;
}

Result<uint32_t> InodeAllocator::allocate_in(Handle& handle, uint32_t group, bool is_directory) {
  const Geometry& geometry = volume_.geometry();
  TRY(groups_.begin(handle, group));
  Ref<Buffer> bitmap = TRY(groups_.inode_bitmap_for_change(handle, group));
  BitArray bits(bitmap->data(), geometry.block_size * 8);
  uint32_t per_group = geometry.inodes_per_group;
  uint32_t from = group == 0 ? geometry.first_inode - 1 : 0;
  uint32_t index = from < per_group ? bits.find(false, from, per_group) : per_group;
  if (index == per_group) {
    groups_.end(handle, group);
    return Errno::NoSpc;
  }
  bits.set(index);
  groups_.inode_bitmap_changed(handle, group, *bitmap);
  groups_.set_free_inodes(group, groups_.free_inodes(group) - 1);
  if (is_directory) groups_.set_directories(group, groups_.directories(group) + 1);
  if (per_group - groups_.unused_inodes(group) <= index)
    groups_.set_unused_inodes(group, per_group - index - 1);
  groups_.end(handle, group);
  return group * per_group + index + 1;
}

Result<> InodeAllocator::free(Handle& handle, uint32_t number, bool is_directory) {
  const Geometry& geometry = volume_.geometry();
  uint32_t group = geometry.group_of_inode(number);
  uint32_t index = (number - 1) % geometry.inodes_per_group;
  Guard guard(groups_.lock);
  TRY(groups_.begin(handle, group));
  Ref<Buffer> bitmap = TRY(groups_.inode_bitmap_for_change(handle, group));
  BitArray bits(bitmap->data(), geometry.block_size * 8);
  if (!bits.test(index)) {
    groups_.end(handle, group);
    return volume_.corrupted(number, "bit already cleared for inode {}", number);
  }
  bits.clear(index);
  groups_.inode_bitmap_changed(handle, group, *bitmap);
  groups_.set_free_inodes(group, groups_.free_inodes(group) + 1);
  if (is_directory && groups_.directories(group) != 0)
    groups_.set_directories(group, groups_.directories(group) - 1);
  groups_.end(handle, group);
  return {};
}

Result<bool> InodeAllocator::is_in_use(Handle& handle, uint32_t number) {
  const Geometry& geometry = volume_.geometry();
  uint32_t group = geometry.group_of_inode(number);
  Guard guard(groups_.lock);
  if (groups_.has_flag(group, kGroupInodesUninitialised)) return false;
  Ref<Buffer> bitmap = TRY(groups_.inode_bitmap_for_change(handle, group));
  return BitArray(bitmap->data(), geometry.block_size * 8)
      .test((number - 1) % geometry.inodes_per_group);
}

}  // namespace kernel::ext4
