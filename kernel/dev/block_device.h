// SPDX-License-Identifier: MIT
// Block devices: disks and their partitions, what can be asked of them, and the list of all. A
// driver derives a disk and registers it; the partitions of its table are then devices of their
// own. File systems reach their disk through this interface alone.
#pragma once

#include "dev/block_request.h"
#include "dev/partition_entry.h"
#include "lib/ref.h"
#include "lib/format.h"
#include "lib/string.h"
#include "sync/spin_lock.h"

namespace kernel {

class MemoryObject;

// What /proc/diskstats and /sys/block/*/stat show.
struct BlockStatistics {
  struct Kind {
    uint64_t requests = 0;
    uint64_t sectors = 0;
    uint64_t nanoseconds = 0;
  };
  enum { Read, Write, Discard, Flush, Kinds };
  Kind kinds[Kinds];
  uint32_t in_flight[2] = {};     // reads, and all others
  uint64_t busy_nanoseconds = 0;  // with anything in flight
};

// The seventeen numbers of /proc/diskstats and of a device's stat, as wide as `pattern` says.
class BlockDevice;
void format_statistics(FormatSink& sink, const BlockDevice& device, StringView pattern);

class BlockDevice : public RefCounted<BlockDevice>, public ListNode<BlockDevice> {
 public:
  struct Geometry {
    uint64_t sectors = 0;
    uint32_t logical_block_size = kSectorSize;
    uint32_t physical_block_size = kSectorSize;
    bool read_only = false;
    bool volatile_cache = true;
    bool has_fua = false;  // honours force_unit_access by itself; else a flush follows
    BlockLimits limits;
  };

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
  Geometry geometry() const;
  const BlockLimits& limits() const { return limits_; }
  bool can_discard() const { return limits_.max_discard_sectors != 0; }
  // BLKROSET; what the device itself refuses stays refused.
  void set_read_only(bool read_only) { read_only_.store_relaxed(read_only || always_read_only_); }
  // Null for a whole disk.
  virtual BlockDevice* disk() const { return nullptr; }
  virtual const PartitionEntry* partition() const { return nullptr; }
  // What old partitioning tools ask for.
  struct HardwareGeometry {
    uint16_t cylinders = 0;
    uint8_t heads = 0;
    uint8_t sectors = 0;
  };
  virtual HardwareGeometry hardware_geometry() const { return {}; }
  uint64_t max_request_sectors() const { return 2560; }  // what Linux's queues have
  virtual StringView serial() const { return {}; }  // at most 20 characters
  virtual StringView driver_name() const { return "virtblk"; }
  BlockStatistics statistics() const;
  // Of all disks there ever were: from 1 (BLKGETDISKSEQ).
  uint64_t disk_sequence() const { return disk() != nullptr ? disk()->sequence_ : sequence_; }
  // False once a partition has gone from its disk's table.
  bool is_present() const { return present_.load_relaxed(); }

  // Any size and number of segments; may sleep until the device has room. Thread context, no spin
  // lock held. A request that the device cannot take ends at once with its error: Io past the end,
  // Inval when not of whole blocks, RoFs, OpNotSupp (discard).
  void submit(BlockRequest& request);
  // submit() and wait().
  Result<> execute(BlockRequest& request);

  // One user at a time, and none of the partitions meanwhile (nor the disk, for a partition): a
  // mounted file system, O_EXCL. The same holder may claim again. Errors: Busy.
  Result<> claim(const void* holder);
  void release(const void* holder);

  // fs: the device's bytes in memory, while somebody has it open (fs/block/block_pages.h).
  Atomic<MemoryObject*> pages;

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
  explicit BlockDevice(const Geometry& geometry);
  void set_sectors(uint64_t sectors) { sectors_.store_relaxed(sectors); }

  // The driver: `request` is within the device and of whole blocks. It ends with finish().
  virtual void start(BlockRequest& request) = 0;
  // A partition: hands a request of its own on to its disk.
  static void forward(BlockDevice& disk, uint64_t start, BlockRequest& request);

 private:
  friend class BlockRegistry;
  friend class BlockRequest;
  void account_start(BlockRequest& request);
  void account_end(BlockRequest& request);
  void count_start(const BlockRequest& request, uint64_t now);
  void count_end(const BlockRequest& request, uint64_t now);
  Result<> check(BlockRequest& request) const;
  Result<> transfer(BlockOperation operation, uint64_t offset, const uint8_t* data, uint64_t size,
                    bool force_unit_access);

  String name_;
  uint32_t major_ = 0;
  uint32_t minor_ = 0;
  uint64_t sequence_ = 0;
  uint32_t minors_ = 1;  // of a disk: itself and its first partitions
  Atomic<uint64_t> sectors_;
  uint32_t logical_block_size_;
  uint32_t physical_block_size_;
  Atomic<bool> read_only_;
  bool always_read_only_;
  bool volatile_cache_;
  bool has_fua_;
  BlockLimits limits_;

  Atomic<bool> present_;
  // Under the registry's lock (block_registry.cc).
  const void* holder_ = nullptr;
  uint32_t claims_ = 0;
  uint32_t claimed_partitions_ = 0;
  uint32_t openers_ = 0;

  mutable SpinLock<LockRank::Leaf> statistics_lock_;
  BlockStatistics statistics_ GUARDED_BY(statistics_lock_);
  uint64_t busy_since_ GUARDED_BY(statistics_lock_) = 0;
};

}  // namespace kernel
