// SPDX-License-Identifier: MIT
// The metadata of a file system on a block device, in memory: one file-system block a Buffer, found
// by its number in a BufferCache. The journal decides when a changed buffer reaches its place on
// the disk. A buffer's bytes are guarded by locks of the file system that owns them; whoever
// changes them holds a journal handle and has called Handle::modify() or create() before.
#pragma once

#include "dev/block_device.h"
#include "lib/list.h"
#include "lib/ref.h"
#include "lib/vector.h"
#include "sched/mutex.h"
#include "vm/shrinker.h"

namespace kernel::jbd2 {

class BufferCache;
struct Transaction;
struct InTransaction {};
struct InCheckpoint {};

class Buffer : public RefCounted<Buffer>,
               public ListNode<Buffer, InTransaction>,
               public ListNode<Buffer, InCheckpoint> {
 public:
  uint64_t block() const { return block_; }
  uint8_t* data() { return data_; }  // aligned to its size
  const uint8_t* data() const { return data_; }
  uint32_t size() const;
  std::span<uint8_t> bytes() { return {data_, size()}; }

  // The data is what the disk holds, or newer. False for a fresh() buffer before create().
  bool is_up_to_date() const { return up_to_date_.load_acquire(); }
  // For the file system: as what kind of block it has checked this one. 0: not since it was read or
  // created.
  uint32_t verified() const { return verified_.load_acquire(); }
  void set_verified(uint32_t kind) { verified_.store_release(kind); }

  static void last_unref(Buffer*) { panic("a cached buffer lost its last reference"); }

 private:
  friend class BufferCache;
  friend class Handle;
  friend class Journal;

  Buffer(BufferCache& cache, uint64_t block, uint8_t* data)
      : cache_(cache), block_(block), data_(data) {}
  ~Buffer();

  BufferCache& cache_;
  const uint64_t block_;
  uint8_t* const data_;
  Buffer* hash_next_ = nullptr;  // guarded by its bucket's lock
  Atomic<bool> up_to_date_;
  Atomic<uint32_t> verified_;
  Atomic<bool> accessed_;  // since the shrinker last passed
  Atomic<bool> filling_;   // one thread makes the data, others wait

  // The rest is the journal's, guarded by its state lock. The pointers are atomic for the look
  // without that lock which tells a handle that the buffer is its transaction's already; so is
  // dirty_, which handles of the transaction_ set.
  Atomic<Transaction*> transaction_;   // running or committing: it has the buffer on its list
  Atomic<Transaction*> next_;          // the running one, where transaction_ is committing
  Transaction* checkpoint_ = nullptr;  // committed, whose contents are not written home yet
  uint8_t* frozen_ = nullptr;          // the data as transaction_ left it, where next_ changes it
  Atomic<bool> dirty_;                 // transaction_ changed it
  bool next_dirty_ = false;
  bool forgotten_ = false;  // transaction_ freed the block
  bool next_forgotten_ = false;
  bool staged_ = false;  // transaction_'s copy is made: it does not need this buffer any more
  bool writing_home_ = false;
};

class BufferCache final : public Shrinker {
 public:
  // `block_size`: a power of two, at least the device's logical block and at most a page.
  static Result<Owned<BufferCache>> create(Ref<BlockDevice> device, uint32_t block_size);
  ~BufferCache();  // nobody holds a buffer any more, and the journal is closed

  BlockDevice& device() const { return *device_; }
  uint32_t block_size() const { return block_size_; }
  uint64_t blocks() const { return blocks_; }  // of the device

  // The block's buffer with the disk's data. Errors: Io, NoMem, Inval (past the end).
  Result<Ref<Buffer>> read(uint64_t block);
  // The block's buffer without reading it, for a block that is about to be written whole: its
  // contents are undefined until Handle::create(), which fills it with zeros.
  Result<Ref<Buffer>> fresh(uint64_t block);
  // Only when it is in memory.
  Optional<Ref<Buffer>> find(uint64_t block);
  // Starts reading blocks that will be wanted soon; a hint, without wait or error.
  void read_ahead(uint64_t first, uint32_t count);
  // Drops a block from memory when nobody holds it. For metadata blocks that are freed,
  // Handle::revoke() does it.
  void forget(uint64_t block);

  // Memory pressure: buffers that are clean and that nobody holds go. Never waits.
  uint64_t count() override { return count_.load_relaxed(); }
  size_t object_bytes() const override { return block_size_; }
  uint64_t shrink(uint64_t wanted) override;

 private:
  friend class Buffer;
  friend class Handle;
  friend class Journal;
  struct ReadAhead;
  static constexpr size_t kLocks = 16;
  using BucketLock = SpinLock<LockRank::BufferHash>;

  BufferCache(Ref<BlockDevice> device, uint32_t block_size);
  size_t bucket_of(uint64_t block) const;
  BucketLock& lock_of(size_t bucket) { return locks_[bucket % kLocks]; }
  Buffer* lookup_locked(size_t bucket, uint64_t block) const;
  Result<Ref<Buffer>> get(uint64_t block);
  Result<> fill(Buffer& buffer);
  void begin_fill(Buffer& buffer);  // alone: waits for one that goes on
  void end_fill(Buffer& buffer, bool up_to_date);
  uint64_t shrink_bucket(size_t bucket);
  bool submit_read_ahead(uint64_t first, uint32_t count);

  Ref<BlockDevice> device_;
  const uint32_t block_size_;
  const uint64_t blocks_;
  BucketLock locks_[kLocks];
  Vector<Buffer*> buckets_;  // heads of chains; each guarded by lock_of() it
  WaitQueue fill_waiters_;
  Atomic<uint32_t> reads_ahead_;  // requests on their way
  Atomic<uint64_t> count_;
  Atomic<uint64_t> hand_;  // bucket at which shrink() goes on
};

}  // namespace kernel::jbd2
