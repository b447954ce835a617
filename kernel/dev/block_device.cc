// SPDX-License-Identifier: MIT
// See block_device.h: checks before a request goes to the driver, and the synchronous calls.

#include "dev/block_device.h"

#include "arch/mmu.h"

namespace kernel {

BlockDevice::BlockDevice(const Geometry& geometry)
    : sectors_(geometry.sectors),
      logical_block_size_(geometry.logical_block_size),
      physical_block_size_(geometry.physical_block_size),
      read_only_(geometry.read_only),
      volatile_cache_(geometry.volatile_cache),
      limits_(geometry.limits) {}

Result<> BlockDevice::check(BlockRequest& request) const {
  bool moves_data = false;
  switch (request.operation) {
    case BlockOperation::Read: moves_data = true; break;
    case BlockOperation::Write: moves_data = true; [[fallthrough]];
    case BlockOperation::Discard:
    case BlockOperation::WriteZeroes:
      if (read_only()) return Errno::RoFs;
      break;
    case BlockOperation::Flush: request.sectors = 0; return {};
  }
  if (request.operation == BlockOperation::Discard && limits_.max_discard_sectors == 0)
    return Errno::OpNotSupp;
  if (request.operation == BlockOperation::WriteZeroes && limits_.max_write_zeroes_sectors == 0)
    return Errno::OpNotSupp;
  if (moves_data) {
    uint64_t bytes = 0;
    for (const BlockSegment& segment : request.segments) {
      if (segment.length == 0 || !is_aligned(segment.length, kSectorSize) ||
          !is_aligned(segment.address, 4))
        return Errno::Inval;
      bytes += segment.length;
    }
    request.sectors = bytes >> kSectorShift;
  }
  uint64_t block = logical_block_size_ >> kSectorShift;
  if (request.sectors == 0 || !is_aligned(request.sector | request.sectors, block))
    return Errno::Inval;
  if (request.sector > sectors() || request.sectors > sectors() - request.sector) return Errno::Io;
  return {};
}

void BlockDevice::submit(BlockRequest& request) {
  request.device_ = this;
  request.status = check(request);
  if (!request.status.ok()) return request.finish();
  start(request);
}

Result<> BlockDevice::execute(BlockRequest& request) {
  submit(request);
  return request.wait();
}

// --- Synchronous calls ---------------------------------------------------------------

Result<> BlockDevice::transfer(BlockOperation operation, uint64_t offset, const uint8_t* data,
                               uint64_t size, bool force_unit_access) {
  constexpr uint64_t kLargest = uint64_t{1} << 30;  // a segment's length has 32 bits
  if (!is_aligned(offset | size, kSectorSize)) return Errno::Inval;
  while (size != 0) {
    uint64_t part = size < kLargest ? size : kLargest;
    BlockSegment segment{
        arch::physical_address(VirtAddr{reinterpret_cast<uint64_t>(data)}),
        static_cast<uint32_t>(part)};
    BlockRequest request;
    request.operation = operation;
    request.force_unit_access = force_unit_access;
    request.sector = offset >> kSectorShift;
    request.segments = {&segment, 1};
    TRY(execute(request));
    offset += part;
    data += part;
    size -= part;
  }
  return {};
}

Result<> BlockDevice::read(uint64_t byte_offset, std::span<uint8_t> bytes) {
  return transfer(BlockOperation::Read, byte_offset, bytes.data(), bytes.size(), false);
}

Result<> BlockDevice::write(uint64_t byte_offset, std::span<const uint8_t> bytes,
                            bool force_unit_access) {
  return transfer(BlockOperation::Write, byte_offset, bytes.data(), bytes.size(),
                  force_unit_access);
}

Result<> BlockDevice::flush() {
  BlockRequest request;
  request.operation = BlockOperation::Flush;
  return execute(request);
}

Result<> BlockDevice::discard(uint64_t byte_offset, uint64_t length) {
  BlockRequest request;
  request.operation = BlockOperation::Discard;
  request.sector = byte_offset >> kSectorShift;
  request.sectors = length >> kSectorShift;
  if (!is_aligned(byte_offset | length, kSectorSize)) return Errno::Inval;
  return execute(request);
}

Result<> BlockDevice::write_zeroes(uint64_t byte_offset, uint64_t length) {
  BlockRequest request;
  request.operation = BlockOperation::WriteZeroes;
  request.sector = byte_offset >> kSectorShift;
  request.sectors = length >> kSectorShift;
  if (!is_aligned(byte_offset | length, kSectorSize)) return Errno::Inval;
  return execute(request);
}

}  // namespace kernel
