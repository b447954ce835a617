// SPDX-License-Identifier: MIT
// ioctl(2) on block devices: the BLK* requests of linux/fs.h and HDIO_GETGEO, with the errors that
// Linux gives, in its order of checks.

#include "fs/block/block_file.h"
#include "fs/vfs/identity.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

enum : uint32_t {
  kSetReadOnly = 0x125d,
  kGetReadOnly = 0x125e,
  kReadPartitions = 0x125f,
  kGetSectors = 0x1260,
  kFlushBuffers = 0x1261,
  kSetReadAhead = 0x1262,
  kGetReadAhead = 0x1263,
  kSetFileReadAhead = 0x1264,
  kGetFileReadAhead = 0x1265,
  kGetMaxSectors = 0x1267,
  kGetLogicalBlock = 0x1268,
  kGetBlockSize = 0x8008'1270,
  kSetBlockSize = 0x4008'1271,
  kGetSize = 0x8008'1272,
  kDiscard = 0x1277,
  kMinimumIo = 0x1278,
  kOptimalIo = 0x1279,
  kAlignmentOffset = 0x127a,
  kGetPhysicalBlock = 0x127b,
  kDiscardZeroes = 0x127c,
  kSecureDiscard = 0x127d,
  kRotational = 0x127e,
  kZeroOut = 0x127f,
  kGetDiskSequence = 0x8008'1280,
  kGetZoneSize = 0x8004'1284,
  kGetZoneCount = 0x8004'1285,
  kGetGeometry = 0x0301,
};

constexpr uint64_t kReadAheadSectors = 256;

// struct hd_geometry.
struct HardDiskGeometry {
  uint8_t heads;
  uint8_t sectors;
  uint16_t cylinders;
  uint32_t padding;
  uint64_t start;
};

template <class T>
Result<int64_t> give(UserAddr to, T value) {
  TRY(UserOut<T>(to).write(value));
  return int64_t{0};
}

bool may_administrate() { return vfs::acting_has(Capability::SysAdmin); }

struct ByteRange {
  uint64_t start;
  uint64_t length;
};

Result<ByteRange> read_range(UserAddr from, const BlockDevice& device) {
  uint64_t words[2];
  TRY(UserIn<uint64_t>(from).read_array(words, 2));
  ByteRange range{words[0], words[1]};
  uint64_t end;
  if (!is_aligned(range.start | range.length, kSectorSize) ||
      __builtin_add_overflow(range.start, range.length, &end) || end > device.size())
    return Errno::Inval;
  return range;
}

Result<int64_t> discard(BlockDevice& device, BlockPages& pages, UserAddr argument) {
  if (!device.can_discard()) return Errno::OpNotSupp;
  ByteRange range = TRY(read_range(argument, device));
  if (range.length == 0) return Errno::Inval;
  if (device.read_only()) return Errno::Perm;
  TRY(pages.forget(range.start, range.start + range.length));
  TRY(device.discard(range.start, range.length));
  return int64_t{0};
}

Result<int64_t> zero_out(BlockDevice& device, BlockPages& pages, UserAddr argument) {
  ByteRange range = TRY(read_range(argument, device));
  if (range.length == 0) return Errno::Inval;
  if (device.read_only()) return Errno::Perm;
  TRY(pages.forget(range.start, range.start + range.length));
  Result<> done = device.write_zeroes(range.start, range.length);
  if (done.failed_with(Errno::OpNotSupp)) done = pages.write_zeroes(range.start, range.length);
  if (!done.ok()) return done.error();
  return int64_t{0};
}

Result<int64_t> set_block_size(BlockDevice& device, BlockPages& pages, UserAddr argument,
                               const void* holder) {
  if (!may_administrate()) return Errno::Acces;
  if (raw(argument) == 0) return Errno::Inval;
  int32_t wanted = TRY(UserIn<int32_t>(argument).read());
  TRY(device.claim(holder));
  device.release(holder);
  auto size = static_cast<uint32_t>(wanted);
  if (!std::has_single_bit(size) || size < device.logical_block_size() || size > kPageSize)
    return Errno::Inval;
  pages.set_unit(size);
  return int64_t{0};
}

Result<int64_t> get_geometry(const BlockDevice& device, UserAddr argument) {
  if (raw(argument) == 0) return Errno::Inval;
  const BlockDevice& disk = device.disk() != nullptr ? *device.disk() : device;
  BlockDevice::HardwareGeometry hardware = disk.hardware_geometry();
  HardDiskGeometry geometry{.heads = hardware.heads,
                            .sectors = hardware.sectors,
                            .cylinders = hardware.cylinders,
                            .padding = 0,
                            .start = device.partition() != nullptr ? device.partition()->start : 0};
  return give(argument, geometry);
}

}  // namespace

Result<int64_t> BlockFile::ioctl(uint32_t request, uint64_t argument) {
  UserAddr address{argument};
  BlockDevice& device = *device_;
  switch (request) {
    case kGetSize: return give(address, device.size());
    case kGetDiskSequence: return give(address, device.disk_sequence());
    case kGetSectors: return give(address, device.sectors());
    case kGetLogicalBlock: return give<int32_t>(address, int32_t(device.logical_block_size()));
    case kGetPhysicalBlock:
    case kMinimumIo: return give<uint32_t>(address, device.physical_block_size());
    case kOptimalIo: return give<uint32_t>(address, 0);
    case kAlignmentOffset: return give<int32_t>(address, 0);
    case kDiscardZeroes: return give<uint32_t>(address, 0);
    case kRotational: return give<uint16_t>(address, 1);  // as Linux has virtio disks
    case kGetMaxSectors: {
      uint64_t most = device.max_request_sectors();
      return give<uint16_t>(address, most < 0xffff ? static_cast<uint16_t>(most) : 0xffff);
    }
    case kGetBlockSize: return give<int32_t>(address, int32_t(pages_->unit()));
    case kSetBlockSize: return set_block_size(device, *pages_, address, this);
    case kGetReadOnly: return give<int32_t>(address, device.read_only() ? 1 : 0);
    case kSetReadOnly: {
      if (!may_administrate()) return Errno::Acces;
      device.set_read_only(TRY(UserIn<int32_t>(address).read()) != 0);
      return int64_t{0};
    }
    case kGetReadAhead:
    case kGetFileReadAhead:
      if (argument == 0) return Errno::Inval;
      return give<int64_t>(address, kReadAheadSectors);
    case kSetReadAhead:
    case kSetFileReadAhead:
      // Advice, for which there is no place.
      return may_administrate() ? Result<int64_t>(int64_t{0}) : Errno::Acces;
    case kFlushBuffers:
      if (!may_administrate()) return Errno::Acces;
      TRY(pages_->forget(0, pages_->size()));
      TRY(device.flush());
      return int64_t{0};
    case kReadPartitions:
      if (!may_administrate()) return Errno::Acces;
      TRY(pages_->write_back(0, pages_->size()));
      TRY(BlockRegistry::rescan(device));
      return int64_t{0};
    case kDiscard: return writable() ? discard(device, *pages_, address) : Errno::BadF;
    case kSecureDiscard: return writable() ? Errno::OpNotSupp : Errno::BadF;
    case kZeroOut: return writable() ? zero_out(device, *pages_, address) : Errno::BadF;
    case kGetZoneSize:
    case kGetZoneCount: return give<uint32_t>(address, 0);
    case kGetGeometry: return get_geometry(device, address);
    default: return Errno::NoTty;
  }
}

}  // namespace kernel
