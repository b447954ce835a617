// SPDX-License-Identifier: MIT
// See block_device.h: checks before a request goes to the driver, and the synchronous calls.

#include "dev/block_device.h"

#include "arch/mmu.h"
#include "sched/clock.h"

namespace kernel {

BlockDevice::BlockDevice(const Geometry& geometry)
    : sectors_(geometry.sectors),
      logical_block_size_(geometry.logical_block_size),
      physical_block_size_(geometry.physical_block_size),
      read_only_(geometry.read_only),
      always_read_only_(geometry.read_only),
      volatile_cache_(geometry.volatile_cache),
      has_fua_(geometry.has_fua),
      limits_(geometry.limits) {}

BlockDevice::Geometry BlockDevice::geometry() const {
  return {.sectors = sectors(),
          .logical_block_size = logical_block_size_,
          .physical_block_size = physical_block_size_,
          .read_only = read_only(),
          .volatile_cache = volatile_cache_,
          .has_fua = has_fua_,
          .limits = limits_};
}

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
  request.device_ = nullptr;
  request.start_ = request.sectors_taken_ = 0;
  request.segment_ = 0;
  request.segment_offset_ = 0;
  request.flush_wanted_ = false;
  request.status = check(request);
  bool flush = request.operation == BlockOperation::Flush;
  // What has no cache has nothing to flush.
  if (!request.status.ok() || (flush && !volatile_cache_)) return request.finish();
  request.flush_wanted_ = flush || (request.force_unit_access && volatile_cache_ && !has_fua_);
  account_start(request);
  start(request);
}

void BlockDevice::forward(BlockDevice& disk, uint64_t start, BlockRequest& request) {
  request.start_ = start;
  disk.start(request);
}

Result<> BlockDevice::execute(BlockRequest& request) {
  submit(request);
  return request.wait();
}

// --- Accounts -------------------------------------------------------------------------

namespace {

unsigned kind_of(BlockOperation operation) {
  switch (operation) {
    case BlockOperation::Read: return BlockStatistics::Read;
    case BlockOperation::Write:
    case BlockOperation::WriteZeroes: return BlockStatistics::Write;
    case BlockOperation::Discard: return BlockStatistics::Discard;
    case BlockOperation::Flush: break;
  }
  return BlockStatistics::Flush;
}

}  // namespace

void BlockDevice::count_start(const BlockRequest& request, uint64_t now) {
  Guard guard(statistics_lock_);
  if (statistics_.in_flight[0] + statistics_.in_flight[1] == 0) busy_since_ = now;
  ++statistics_.in_flight[request.operation != BlockOperation::Read];
}

void BlockDevice::count_end(const BlockRequest& request, uint64_t now) {
  Guard guard(statistics_lock_);
  BlockStatistics::Kind& kind = statistics_.kinds[kind_of(request.operation)];
  ++kind.requests;
  kind.sectors += request.sectors;
  kind.nanoseconds += now - request.started_ns_;
  --statistics_.in_flight[request.operation != BlockOperation::Read];
  if (statistics_.in_flight[0] + statistics_.in_flight[1] == 0)
    statistics_.busy_nanoseconds += now - busy_since_;
}

void BlockDevice::account_start(BlockRequest& request) {
  request.device_ = this;
  request.started_ns_ = clock::monotonic();
  count_start(request, request.started_ns_);
  if (disk() != nullptr) disk()->count_start(request, request.started_ns_);
}

void BlockDevice::account_end(BlockRequest& request) {
  uint64_t now = clock::monotonic();
  count_end(request, now);
  if (disk() != nullptr) disk()->count_end(request, now);
}

BlockStatistics BlockDevice::statistics() const {
  Guard guard(statistics_lock_);
  return statistics_;
}

void format_statistics(FormatSink& sink, const BlockDevice& device, StringView pattern) {
  constexpr uint64_t kMillisecond = 1'000'000;
  BlockStatistics statistics = device.statistics();
  bool first = true;
  auto number = [&](uint64_t value) {
    if (!std::exchange(first, false)) sink.write(" ");
    format(sink, pattern, value);
  };
  auto kind = [&](unsigned which) {
    const BlockStatistics::Kind& counts = statistics.kinds[which];
    number(counts.requests);
    if (which != BlockStatistics::Flush) {
      number(0);  // merged with others: never
      number(counts.sectors);
    }
    number(counts.nanoseconds / kMillisecond);
  };
  uint64_t total = 0;
  for (const BlockStatistics::Kind& counts : statistics.kinds) total += counts.nanoseconds;
  kind(BlockStatistics::Read);
  kind(BlockStatistics::Write);
  number(statistics.in_flight[0] + statistics.in_flight[1]);
  number(statistics.busy_nanoseconds / kMillisecond);
  number(total / kMillisecond);
  kind(BlockStatistics::Discard);
  kind(BlockStatistics::Flush);
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
