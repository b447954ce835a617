// SPDX-License-Identifier: MIT
// Where a journal lies and what its superblock says: blocks of the journal by number, found on the
// device through the extents of its inode. What the log means is journal.h's and recovery.h's.
#pragma once

#include "dev/block_device.h"
#include "fs/jbd2/buffer.h"
#include "fs/jbd2/format.h"

namespace kernel::jbd2 {

// Consecutive blocks of the journal's inode, in its order.
struct JournalExtent {
  uint64_t first;  // block of the file system
  uint32_t count;
};

class Log : public Pinned {
 public:
  // Reads and checks the superblock. Errors: Inval (not a journal, or damaged), OpNotSupp
  // (features), Io, NoMem.
  static Result<Owned<Log>> load(BlockDevice& device, uint32_t block_size,
                                 std::span<const JournalExtent> extents);
  ~Log();

  BlockDevice& device() const { return device_; }
  const Format& format() const { return format_; }
  uint32_t first() const { return first_; }  // the ring is [first, end)
  uint32_t end() const { return end_; }
  uint32_t size() const { return end_ - first_; }
  uint32_t after(uint32_t block) const { return block + 1 == end_ ? first_ : block + 1; }
  uint32_t distance(uint32_t from, uint32_t to) const {
    return to >= from ? to - from : to + size() - from;
  }
  // The fast commit blocks behind the ring.
  uint32_t fast_commit_end() const { return length_; }
  bool has_fast_commits() const { return has(kIncompatFastCommit); }
  bool has_async_commit() const { return has(kIncompatAsyncCommit); }
  bool has_commit_checksum() const;

  std::span<const uint8_t> uuid() const { return {superblock_ + superblock::kUuid, kUuidSize}; }
  uint64_t device_block(uint32_t block) const;
  Result<> read(uint32_t block, uint32_t count, std::span<uint8_t> bytes) const;

  // --- The superblock ---
  uint32_t start() const { return field(superblock::kStart); }  // 0: nothing to replay
  uint32_t sequence() const { return field(superblock::kSequence); }
  Errno error() const;
  void set_barrier(bool barrier) { barrier_.store_relaxed(barrier); }
  // While the log is empty: features that the file system wants; written with the next change.
  void add_features(bool wide, bool checksums);

  // The log begins here, with this transaction; returns when the medium has it.
  Result<> set_start(uint32_t block, uint32_t sequence);
  // The same, if it was empty: before the first transaction is written. The commit's flush covers
  // it.
  Result<> begin(uint32_t block, uint32_t sequence);
  Result<> set_empty(uint32_t next_sequence) {
    return set_empty_if(next_sequence, [] { return true; });
  }
  // Only when idle() says so; begin() comes before that or after the write.
  template <class Idle>
  Result<> set_empty_if(uint32_t next_sequence, Idle idle) {
    Guard guard(lock_);
    if (!idle()) return {};
    return set_empty_locked(next_sequence);
  }
  Result<> set_error(Errno error);

 private:
  Log(BlockDevice& device, uint32_t block_size);
  Result<> check(uint64_t blocks);
  bool has(uint32_t incompat) const { return (field(superblock::kIncompat) & incompat) != 0; }
  uint32_t field(size_t offset) const;
  void set_field(size_t offset, uint32_t value) REQUIRES(lock_);
  Result<> write_locked(bool force_unit_access) REQUIRES(lock_);
  Result<> set_empty_locked(uint32_t next_sequence) REQUIRES(lock_);
  static uint32_t checksum(const uint8_t* superblock);

  struct Mapped {
    uint32_t block;  // first of the extent, in the journal
    JournalExtent extent;
  };
  BlockDevice& device_;
  const uint32_t block_size_;
  Vector<Mapped> map_;
  Format format_;
  uint32_t first_ = 0;
  uint32_t end_ = 0;
  uint32_t length_ = 0;
  Atomic<bool> barrier_{true};
  mutable Mutex<LockRank::JournalArea> lock_;
  uint8_t* superblock_ = nullptr;  // one block; changes under lock_
};

}  // namespace kernel::jbd2
