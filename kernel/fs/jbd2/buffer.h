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
#include "sched/wait_queue.h"
#include "sync/spin_lock.h"

namespace kernel::jbd2 {

class BufferCache;
class Handle;
class Journal;
struct Transaction;
struct InTransaction;
struct InCheckpoint;

class Buffer : public RefCounted<Buffer>,
               public ListNode<Buffer>,                  // of its hash bucket
               public ListNode<Buffer, InTransaction>,   // of transaction_, or of next_ alone
               public ListNode<Buffer, InCheckpoint> {   // of checkpoint_
 public:
  uint64_t block() const { return block_; }
  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  uint32_t size() const;
  std::span<uint8_t> bytes() { return {data_, size()}; }

  // The data is what the disk holds, or newer. False for a fresh() buffer before create().
  bool is_up_to_date() const { return up_to_date_.load_acquire(); }
  // For the file system: it has checked this block's checksum or structure. Gone when the buffer
  // leaves memory or is created anew.
  bool is_verified() const { return verified_.load_relaxed(); }
  void set_verified() { verified_.store_relaxed(true); }

  static void last_unref(Buffer* buffer);

 private:
  friend class BufferCache;
  friend class CheckpointBatch;
  friend class CommitWriter;
  friend class Handle;
  friend class Journal;

  Buffer(BufferCache& cache, uint64_t block, uint8_t* data)
      : cache_(cache), block_(block), data_(data) {}
  ~Buffer();

  BufferCache& cache_;
  const uint64_t block_;
  uint8_t* const data_;
  Atomic<bool> up_to_date_;
  Atomic<bool> verified_;
  Atomic<bool> accessed_;  // since the shrinker last passed
  Atomic<bool> reading_;   // one thread fills it, others wait

  // The journal's, guarded by its buffer lock; atomic for the look without it that tells a handle
  // that the buffer is its transaction's already.
  Atomic<Transaction*> transaction_;  // running or committing, whose change is not committed yet
  Atomic<Transaction*> next_;         // the running one, when transaction_ is committing
  Transaction* checkpoint_ = nullptr;  // committed, not yet written home
  uint8_t* frozen_ = nullptr;          // data as transaction_ left it, when next_ changes it
  Atomic<bool> dirty_;                 // changed in the running transaction that owns it
  bool next_dirty_ = false;
  bool forgotten_ = false;             // freed by transaction_; next_forgotten_: by next_
  bool next_forgotten_ = false;
  bool staged_ = false;                // transaction_ has its copy on the way to the log
  bool writing_home_ = false;
};

class BufferCache : public Pinned {
 public:
  // `block_size`: a power of two, at least the device's logical block and at most a page.
  static Result<Owned<BufferCache>> create(Ref<BlockDevice> device, uint32_t block_size);
  ~BufferCache();  // nobody holds a buffer any more, and the journal is closed

  BlockDevice& device() const { return *device_; }
  uint32_t block_size() const { return block_size_; }
  uint64_t blocks() const { return blocks_; }

  // The block's buffer with the disk's data. Errors: Io, NoMem, Inval (past the end).
  Result<Ref<Buffer>> read(uint64_t block);
  // The block's buffer without reading it, for a block that is about to be written whole: its
  // contents are undefined until Handle::create(), which fills it with zeros.
  Result<Ref<Buffer>> fresh(uint64_t block);
  // Only when it is in memory.
  Optional<Ref<Buffer>> find(uint64_t block);
  // Starts reading blocks that will be wanted soon; a hint, without wait or error.
  void read_ahead(uint64_t first, uint32_t count);
  // Drops a block from memory if the journal has nothing to do with it. Metadata blocks that are
  // freed: Handle::revoke() does it.
  void forget(uint64_t block);

  // Memory pressure: frees clean buffers that nobody uses, those not used for longest first.
  // Returns how many bytes. Any context that may take spin locks.
  uint64_t shrink(uint64_t bytes);
  uint64_t bytes() const { return count_.load_relaxed() * block_size_; }

 private:
  friend class Buffer;
  struct Bucket {
    SpinLock<LockRank::BufferHash> lock;
    List<Buffer> buffers GUARDED_BY(lock);
  };

  BufferCache(Ref<BlockDevice> device, uint32_t block_size);
  Bucket& bucket(uint64_t block);
  Result<Ref<Buffer>> get(uint64_t block);
  Result<> fill(Buffer& buffer);

  Ref<BlockDevice> device_;
  const uint32_t block_size_;
  const uint64_t blocks_;
  Vector<Owned<Bucket>> buckets_;
  WaitQueue fill_waiters_;
  Atomic<uint64_t> count_;
  Atomic<uint64_t> hand_;  // bucket at which shrink() goes on
};

}  // namespace kernel::jbd2
