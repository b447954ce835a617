// SPDX-License-Identifier: MIT
// Block groups: their descriptors, which stay in memory while the volume is mounted, and their
// bitmaps. All of it is guarded by one lock, which the allocators hold over each allocation.
#pragma once

#include "fs/ext4/block_set.h"
#include "fs/ext4/format.h"
#include "fs/jbd2/journal.h"
#include "lib/bit_array.h"
#include "sched/mutex.h"

namespace kernel::ext4 {

class Volume;
struct Geometry;
using jbd2::Buffer;
using jbd2::Handle;

class Groups : public Pinned {
 public:
  explicit Groups(Volume& volume) : volume_(volume) {}

  // Reads and checks all descriptors. Errors: Inval (damaged: as Linux, no mount), Io, NoMem.
  Result<> load();
  void unload();

  Mutex<LockRank::Ext4Allocation> lock;

  // --- One descriptor. Addresses are checked by load(), and constant.
  uint64_t block_bitmap(uint32_t group) const;
  uint64_t inode_bitmap(uint32_t group) const;
  uint64_t inode_table(uint32_t group) const;
  uint32_t free_blocks(uint32_t group) const REQUIRES(lock);
  uint32_t free_inodes(uint32_t group) const REQUIRES(lock);
  uint32_t directories(uint32_t group) const REQUIRES(lock);
  // Inodes at the end of the table that were never used, and lie there uninitialised.
  uint32_t unused_inodes(uint32_t group) const REQUIRES(lock);
  bool has_flag(uint32_t group, uint16_t flag) const REQUIRES(lock);

  // --- A change of one: begin(), setters, end().
  Result<> begin(Handle& handle, uint32_t group) REQUIRES(lock);
  void set_free_blocks(uint32_t group, uint32_t count) REQUIRES(lock);
  void set_free_inodes(uint32_t group, uint32_t count) REQUIRES(lock);
  void set_directories(uint32_t group, uint32_t count) REQUIRES(lock);
  void set_unused_inodes(uint32_t group, uint32_t count) REQUIRES(lock);
  void clear_flag(uint32_t group, uint16_t flag) REQUIRES(lock);
  void end(Handle& handle, uint32_t group) REQUIRES(lock);

  // --- Bitmaps, with the bits behind the group's end set. Checked; a bad one is reported once,
  // and nothing is allocated in its group any more. Initialises one that was never written: then
  // begin() has been called.
  Result<Ref<Buffer>> block_bitmap_for_change(Handle& handle, uint32_t group) REQUIRES(lock);
  Result<Ref<Buffer>> inode_bitmap_for_change(Handle& handle, uint32_t group) REQUIRES(lock);
  // After the change, before end(): the checksum.
  void block_bitmap_changed(Handle& handle, uint32_t group, Buffer& bitmap) REQUIRES(lock);
  void inode_bitmap_changed(Handle& handle, uint32_t group, Buffer& bitmap) REQUIRES(lock);
  bool is_bad(uint32_t group) const REQUIRES(lock) { return bad_[group] != 0; }

  // False when the run is not all on the volume, or holds metadata at a fixed place of it: none of
  // a file's blocks.
  bool may_be_data(uint64_t first, uint64_t count) const;

  uint64_t total_free_blocks() const { return free_blocks_.load_relaxed(); }
  uint64_t total_free_inodes() const { return free_inodes_.load_relaxed(); }

 private:
  DiskGroup& at(uint32_t group) const;
  Buffer& buffer_of(uint32_t group) const;
  bool is_wide() const;
  uint16_t checksum(uint32_t group) const;
  Result<> check(uint32_t group) const;
  uint32_t bitmap_checksum(const Buffer& bitmap, uint32_t bytes) const;
  bool is_bitmap_intact(uint32_t group, Buffer& bitmap, bool of_blocks) const;
  void fill_block_bitmap(uint32_t group, Buffer& bitmap) const;
  Errno mark_bad(uint32_t group, StringView what) REQUIRES(lock);

  Volume& volume_;
  Vector<Ref<Buffer>> buffers_;
  Vector<uint8_t> bad_ GUARDED_BY(lock);
  BlockSet fixed_;  // superblocks, descriptors, bitmaps, inode tables; constant behind load()
  Atomic<uint64_t> free_blocks_, free_inodes_;
};

}  // namespace kernel::ext4
