// SPDX-License-Identifier: MIT
// The bytes of a block device in memory: what all its open files share, as one inode does on
// Linux. There from the first open to the last close; a mounted file system reads and writes the
// device beside it.
#pragma once

#include "dev/block_registry.h"
#include "vm/disk_object.h"

namespace kernel {

class BlockPages final : public DiskObject {
 public:
  // Opens the device: counts the caller among its users, and gives its pages. Error: NxIo when it
  // has just gone.
  static Result<Ref<BlockPages>> open(BlockDevice& device);
  // The last close writes what is dirty, and lets the device go.
  static void close(BlockDevice& device);
  // What is dirty in a device that somebody has open goes there now.
  static Result<> write_back_all(BlockDevice& device);

  explicit BlockPages(BlockDevice& device);

  // As far as the buffer is accessible; within the device.
  Result<size_t> write_some(IoBuffer& buffer, uint64_t offset);
  // Whole logical blocks past the cache, which is in step with the device before and afterwards.
  Result<size_t> read_direct(IoBuffer& buffer, uint64_t offset);
  Result<size_t> write_direct(IoBuffer& buffer, uint64_t offset);
  // Somebody changes the device below: what is cached of that range goes.
  Result<> forget(uint64_t start, uint64_t end);
  // By writing them, for devices that know no better.
  Result<> write_zeroes(uint64_t start, uint64_t length);

  // The unit that BLKBSZGET tells.
  uint32_t unit() const { return unit_.load_relaxed(); }
  void set_unit(uint32_t size) { unit_.store_relaxed(size); }

 protected:
  Result<> read_pages(uint64_t first, std::span<const PhysAddr> pages) override;
  Result<> write_pages(uint64_t first, std::span<const PhysAddr> pages) override;

 private:
  // The device lives as long as this does.
  bool hold_owner() override { return true; }
  void release_owner() override {}
  Result<> transfer(BlockOperation operation, uint64_t first, std::span<const PhysAddr> pages);
  Result<size_t> direct(BlockOperation operation, IoBuffer& buffer, uint64_t offset);

  Ref<BlockDevice> device_;
  Mutex<LockRank::Inode> lock_writes_;
  Atomic<uint32_t> unit_;
};

}  // namespace kernel
