// SPDX-License-Identifier: MIT
// See log.h.
#include "fs/jbd2/log.h"

#include "lib/log.h"
#include "mm/heap.h"

namespace kernel::jbd2 {

namespace sb = superblock;

namespace {

constexpr uint32_t kMinBlocks = 64;  // of the ring
constexpr uint32_t kDefaultFastCommitBlocks = 256;

}  // namespace

Log::Log(BlockDevice& device, uint32_t block_size) : device_(device), block_size_(block_size) {}

Log::~Log() { heap::free(superblock_); }

Result<Owned<Log>> Log::load(BlockDevice& device, uint32_t block_size,
                             std::span<const JournalExtent> extents) {
  auto* made = new (std::nothrow) Log(device, block_size);
  if (made == nullptr) return Errno::NoMem;
  Owned<Log> log = Owned<Log>::adopt(made);
  uint64_t blocks = 0;
  uint64_t device_blocks = device.size() / block_size;
  for (const JournalExtent& extent : extents) {
    if (extent.count == 0 || extent.first >= device_blocks ||
        extent.count > device_blocks - extent.first || blocks + extent.count > UINT32_MAX)
      return Errno::Inval;
    TRY(log->map_.append({static_cast<uint32_t>(blocks), extent}));
    blocks += extent.count;
  }
  if (blocks < kMinBlocks) return Errno::Inval;
  void* memory = heap::allocate(block_size, block_size, AllocationFlags::None);
  if (memory == nullptr) return Errno::NoMem;
  log->superblock_ = static_cast<uint8_t*>(memory);
  TRY(log->read(0, 1, {log->superblock_, block_size}));
  TRY(log->check(blocks));
  return log;
}

Result<> Log::check(uint64_t blocks) {
  Header header = get_header(superblock_);
  bool v1 = header.type == BlockType::SuperblockV1;
  if (header.magic != kMagic || (!v1 && header.type != BlockType::SuperblockV2)) {
    log_error("jbd2: no journal superblock");
    return Errno::Inval;
  }
  // Version 1 has no features; the bytes where they would be mean nothing.
  if (v1) __builtin_memset(superblock_ + sb::kCompat, 0, sb::kSize - sb::kCompat);
  uint32_t incompat = field(sb::kIncompat);
  if ((incompat & ~kIncompatKnown) != 0 || field(sb::kReadOnlyCompat) != 0) {
    log_error("jbd2: unknown features {:x} {:x}", incompat, field(sb::kReadOnlyCompat));
    return Errno::OpNotSupp;
  }
  constexpr uint32_t kBoth = kIncompatChecksumV2 | kIncompatChecksumV3;
  uint32_t checksums = incompat & kBoth;
  bool contradiction = checksums == kBoth || (checksums != 0 && has_commit_checksum());
  if (checksums != 0 && (superblock_[sb::kChecksumType] != sb::kChecksumCrc32c ||
                         field(sb::kChecksum) != checksum(superblock_)))
    contradiction = true;
  length_ = field(sb::kMaxLen);
  first_ = field(sb::kFirst);
  uint32_t fast = 0;
  if (has(kIncompatFastCommit)) {
    fast = field(sb::kFastCommitBlocks);
    if (fast == 0) fast = kDefaultFastCommitBlocks;
  }
  bool fits = field(sb::kBlockSize) == block_size_ && length_ <= blocks && fast < length_ &&
              first_ >= 1 && first_ < length_ - fast && length_ - fast - first_ >= kMinBlocks;
  end_ = length_ - fast;
  uint32_t start = field(sb::kStart);
  if (contradiction || !fits || (start != 0 && (start < first_ || start >= end_))) {
    log_error("jbd2: the journal superblock is damaged");
    return Errno::Inval;
  }
  format_ = Format(block_size_, incompat, {superblock_ + sb::kUuid, kUuidSize});
  return {};
}

bool Log::has_commit_checksum() const { return (field(sb::kCompat) & kCompatChecksum) != 0; }

uint64_t Log::device_block(uint32_t block) const {
  size_t low = 0, high = map_.size();
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    (map_[middle].block <= block ? low : high) = middle;
  }
  DCHECK(block - map_[low].block < map_[low].extent.count);
  return map_[low].extent.first + (block - map_[low].block);
}

// Blocks that follow each other in the ring, without its wrap.
Result<> Log::read(uint32_t block, uint32_t count, std::span<uint8_t> bytes) const {
  for (uint32_t done = 0; done < count;) {
    uint64_t first = device_block(block + done);
    uint32_t run = 1;
    while (done + run < count && device_block(block + done + run) == first + run) ++run;
    TRY(device_.read(first * block_size_,
                     bytes.subspan(size_t{done} * block_size_, size_t{run} * block_size_)));
    done += run;
  }
  return {};
}

// --- The superblock ---

uint32_t Log::field(size_t offset) const { return get32(superblock_ + offset); }
void Log::set_field(size_t offset, uint32_t value) { put32(superblock_ + offset, value); }

// As a negative Linux error number.
Errno Log::error() const { return Errno{static_cast<int32_t>(uint32_t{} - field(sb::kError))}; }

uint32_t Log::checksum(const uint8_t* superblock) {
  static constexpr uint8_t kZero[4] = {};
  uint32_t sum = crc32c(crc32c(~uint32_t{0}, {superblock, sb::kChecksum}), kZero);
  return crc32c(sum, {superblock + sb::kChecksum + 4, sb::kSize - sb::kChecksum - 4});
}

void Log::add_features(bool wide, bool checksums) {
  Guard guard(lock_);
  put32(superblock_ + 4, static_cast<uint32_t>(BlockType::SuperblockV2));
  uint32_t incompat = field(sb::kIncompat) | kIncompatRevoke;
  if (wide) incompat |= kIncompat64Bit;
  // The version 1 checksum, of the commit block alone, is not written; version 2 or 3 excludes it.
  set_field(sb::kCompat, field(sb::kCompat) & ~kCompatChecksum);
  if (checksums && !format_.has_checksums()) {
    incompat |= kIncompatChecksumV3;
    superblock_[sb::kChecksumType] = sb::kChecksumCrc32c;
  }
  set_field(sb::kIncompat, incompat);
  format_ = Format(block_size_, incompat, {superblock_ + sb::kUuid, kUuidSize});
}

Result<> Log::write_locked(bool force_unit_access) {
  if (format_.has_checksums()) set_field(sb::kChecksum, checksum(superblock_));
  return device_.write(device_block(0) * block_size_, {superblock_, block_size_},
                       force_unit_access && barrier_.load_relaxed());
}

Result<> Log::set_start(uint32_t block, uint32_t sequence) {
  Guard guard(lock_);
  set_field(sb::kStart, block);
  set_field(sb::kSequence, sequence);
  return write_locked(true);
}

Result<> Log::begin(uint32_t block, uint32_t sequence) {
  Guard guard(lock_);
  if (start() != 0) return {};
  set_field(sb::kStart, block);
  set_field(sb::kSequence, sequence);
  return write_locked(false);
}

Result<> Log::set_empty_locked(uint32_t next_sequence) {
  set_field(sb::kStart, 0);
  set_field(sb::kSequence, next_sequence);
  set_field(sb::kHead, 0);
  return write_locked(true);
}

Result<> Log::set_error(Errno error) {
  Guard guard(lock_);
  set_field(sb::kError, uint32_t{} - static_cast<uint32_t>(error));
  return write_locked(true);
}

}  // namespace kernel::jbd2
