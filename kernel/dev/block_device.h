// SPDX-License-Identifier: MIT
// Block devices: disks and their partitions, what can be asked of them, and the list of all. A
// driver derives a disk and registers it; the partitions of its table are then devices of their
// own. File systems reach their disk through this interface alone.
#pragma once

#include "dev/block_request.h"
#include "lib/ref.h"
#include "lib/string.h"

namespace kernel {

class BlockDevice : public RefCounted<BlockDevice>, public ListNode<BlockDevice> {
 public:
  virtual ~BlockDevice() = default;

  StringView name() const { return name_; }  // "vda", "vda1": below /dev
  uint32_t major() const { return major_; }
  uint32_t minor() const { return minor_; }
  uint64_t sectors() const { return sectors_.load_relaxed(); }  // of 512 bytes
  uint64_t size() const { return sectors() << kSectorShift; }
  uint32_t logical_block_size() const { return logical_block_size_; }
  uint32_t physical_block_size() const { return physical_block_size_; }
  bool read_only() const { return read_only_.load_relaxed(); }
  bool has_volatile_cache() const { return volatile_cache_; }
  const BlockLimits& limits() const { return limits_; }
  bool can_discard() const { return limits_.max_discard_sectors != 0; }

  // Any size and number of segments; may sleep until the device has room. Thread context, no spin
  // lock held. A request that the device cannot take ends at once with its error: Io past the end,
  // Inval when not of whole blocks, RoFs, OpNotSupp (discard).
  void submit(BlockRequest& request);
  // submit() and wait().
  Result<> execute(BlockRequest& request);

  // Synchronous, on whole logical blocks of kernel memory in the linear map (heap, frames; not
  // stacks), 4-byte aligned.
  Result<> read(uint64_t byte_offset, std::span<uint8_t> bytes);
  Result<> write(uint64_t byte_offset, std::span<const uint8_t> bytes,
                 bool force_unit_access = false);
  // What was written before is on the medium.
  Result<> flush();
  Result<> discard(uint64_t byte_offset, uint64_t length);
  Result<> write_zeroes(uint64_t byte_offset, uint64_t length);

 protected:
  struct Geometry {
    uint64_t sectors = 0;
    uint32_t logical_block_size = kSectorSize;
    uint32_t physical_block_size = kSectorSize;
    bool read_only = false;
    bool volatile_cache = true;
    BlockLimits limits;
  };
  explicit BlockDevice(const Geometry& geometry);

  // The driver: `request` is within the device and of whole blocks. It ends with finish().
  virtual void start(BlockRequest& request) = 0;

 private:
  Result<> check(BlockRequest& request) const;
  Result<> transfer(BlockOperation operation, uint64_t offset, const uint8_t* data, uint64_t size,
                    bool force_unit_access);

  String name_;
  uint32_t major_ = 0;
  uint32_t minor_ = 0;
  Atomic<uint64_t> sectors_;
  uint32_t logical_block_size_;
  uint32_t physical_block_size_;
  Atomic<bool> read_only_;
  bool volatile_cache_;
  BlockLimits limits_;
};

}  // namespace kernel
