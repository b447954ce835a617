// SPDX-License-Identifier: MIT
// The journal of a file system: groups of metadata changes that reach the disk whole or not at all.
// On-disk format: Linux's jbd2. Design: docs/design/journal.md.
//
//   Handle handle = TRY(journal.start(credits));     // may wait for a commit; nests
//   Ref<Buffer> buffer = TRY(cache.read(block));
//   TRY(handle.modify(*buffer));                     // before the change
//   ... change buffer->data() under the file system's own lock ...
//   handle.dirty(*buffer);                           // after it
//   inode.last_change = handle.transaction();
//   ... the handle's end gives it back ...
//   TRY(journal.commit_through(inode.last_change));  // fsync
//
// Lock order: inode, handle, page, file system's spin locks. A thread that holds a handle must not
// wait for another handle of the same journal, nor for a commit.
#pragma once

#include "fs/jbd2/log.h"
#include "fs/jbd2/write_batch.h"
#include "sched/clock.h"
#include "sched/completion.h"

namespace kernel::jbd2 {

// Never used twice, never 0. The low 32 bits are the sequence number on the disk.
using TransactionId = uint64_t;

// Data that must be on the disk before a transaction commits that makes it reachable.
class OrderedData : public ListNode<OrderedData> {
 public:
  // Writes what is dirty of it and waits. By the commit thread; must not start a handle, nor wait
  // for one. An error is remembered by the object itself (fsync reports it).
  virtual void flush_ordered() = 0;

 protected:
  ~OrderedData() { DCHECK(transaction_.load_relaxed() == nullptr); }

 private:
  friend class Journal;
  friend class Handle;
  Atomic<Transaction*> transaction_;
  Transaction* next_ = nullptr;  // the running one, while transaction_ writes it
  bool flushing_ = false;
};

// Something to do when a transaction is over, such as letting blocks that it freed be used again.
// Called in order, by the commit thread (or the one that aborts), without locks; it may free
// itself, must not start a handle.
class CommitCallback : public ListNode<CommitCallback> {
 public:
  // `status`: an error when the journal was aborted and the transaction is lost.
  virtual void transaction_ended(Result<> status) = 0;

 protected:
  ~CommitCallback() = default;
};

// What the journal tells its file system.
class JournalClient {
 public:
  // The journal has stopped: nothing more will reach the disk, start() says RoFs from now on. Once;
  // any thread of the journal or one with a handle; takes no lock above the handle.
  virtual void journal_aborted(Errno cause) = 0;

 protected:
  ~JournalClient() = default;
};

struct JournalOptions {
  Nanoseconds commit_interval = 5 * kNanosPerSecond;  // commit=
  bool barrier = true;                                // barrier=0: trust the write cache
  bool read_only = false;  // the file system is mounted read-only: replay, but nothing else yet
  // Features for the journal to have from now on: block numbers of 64 bits, checksums (version 3).
  bool wide_blocks = false;
  bool checksums = false;
  JournalClient* client = nullptr;
};

class Handle;
class Journal : public RefCounted<Journal> {
 public:
  // Checks the journal in these blocks and replays it if it was not closed cleanly: afterwards the
  // file system reads its superblock again. Errors: Inval (not a journal, or damaged), OpNotSupp
  // (features, fast commits to replay), RoFs (recovery needed, device read-only), Io, NoMem.
  static Result<Ref<Journal>> open(BufferCache& cache, std::span<const JournalExtent> extents,
                                   const JournalOptions& options);
  // For file systems without a journal: the same calls; what is dirty is written home at the times
  // at which a transaction would be committed.
  static Result<Ref<Journal>> open_without_log(BufferCache& cache, const JournalOptions& options);
  // Commits, writes everything home, marks the journal empty, ends the threads. No handle is open.
  // Before the last reference goes. Errors: those of the writes.
  Result<> close();
  static void last_unref(Journal* journal);

  // --- Changes ---
  // A handle for changing up to `credits` blocks and for freeing `revokes` metadata blocks. A
  // thread that holds one of this journal joins it: its credits must suffice for both. May wait
  // for a commit and for log space. Errors: RoFs (aborted, or read-only), NoSpc (more than a
  // transaction can hold), NoMem.
  Result<Handle> start(unsigned credits, unsigned revokes = 0);
  // The handle of the running thread, or null.
  Handle* current_handle() const;
  unsigned max_credits() const { return max_credits_; }  // of one handle

  // --- Durability ---
  // Returns when the transaction is on the medium, and everything that the device completed before
  // the call too. The thread holds no handle. Errors: Io (the journal was aborted).
  Result<> commit_through(TransactionId id);
  // The same for all changes whose handles ended before the call (sync, syncfs).
  Result<> commit_now() { return commit_through(newest()); }
  // Starts that without waiting.
  void request_commit();
  // The newest transaction: what happened before the call is in it or in an older one.
  TransactionId newest() const { return newest_.load_acquire(); }
  bool is_committed(TransactionId id) const { return committed_.load_acquire() >= id; }
  // commit_now(), and everything at its place on the disk; the journal is marked empty when no
  // transaction began meanwhile (remount read-only, freeze).
  Result<> flush();
  // After a remount. To read-only: after flush(), when no handle can be open.
  Result<> set_read_only(bool read_only);
  void set_commit_interval(Nanoseconds interval) { commit_interval_.store_relaxed(interval); }
  void set_barrier(bool barrier);

  // --- Errors ---
  // Nothing more is written; the error is recorded in the journal's superblock.
  void abort(Errno cause);
  bool is_aborted() const { return abort_cause_.load_acquire() != Errno{}; }
  // An abort of an earlier mount, as recorded; Errno{}: none. clear: the file system has noted it.
  Errno recorded_error() const { return recorded_error_; }
  Result<> clear_recorded_error();

  // --- Ordered data ---
  // The object ends, or has no data any more: waits while the commit thread writes it.
  void forget_ordered(OrderedData& data);

  bool has_log() const { return log_.has_value(); }
  bool was_recovered() const { return was_recovered_; }  // open() replayed something

 private:
  friend class Handle;
  using StateLock = SpinLock<LockRank::JournalState>;

  // The door of the running transaction, in one word, so that a handle starts and ends with one
  // atomic operation: credits that handles hold or buffers have used, handles, and whether it is
  // closed (there is no running transaction, or it waits for its last handles). Wanted: somebody
  // waits for credits that come back.
  static constexpr uint64_t kOneHandle = uint64_t{1} << 32;
  static constexpr uint64_t kClosed = uint64_t{1} << 63;
  static constexpr uint64_t kWanted = uint64_t{1} << 62;
  static uint32_t credits_of(uint64_t door) { return static_cast<uint32_t>(door); }
  static uint64_t handles_of(uint64_t door) { return (door & ~(kClosed | kWanted)) >> 32; }

  Journal(BufferCache& cache, const JournalOptions& options);
  ~Journal();
  static Result<Ref<Journal>> make(BufferCache& cache, const JournalOptions& options);
  Result<> load(std::span<const JournalExtent> extents);
  Result<> start_threads();

  // What a transaction of so many blocks takes of the log: descriptors, one in each batch of the
  // commit's and one more behind revoke blocks; a commit block.
  static constexpr uint32_t kDataPerBatch = WriteBatch::kSlots - 1;
  static uint32_t log_blocks_for(uint32_t blocks) { return blocks + blocks / kDataPerBatch + 3; }

  // handle.cc
  unsigned blocks_for(unsigned credits, unsigned revokes) const;
  bool try_enter(unsigned blocks, Transaction*& entered);
  Result<Transaction*> enter(unsigned blocks);
  void leave(unsigned unused) {
    uint64_t before = door_.fetch_sub_acq_rel(kOneHandle + unused);
    if ((before & (kClosed | kWanted)) != 0) [[unlikely]]
      left_last(before);
  }
  void left_last(uint64_t before);
  bool reserve_more(unsigned blocks);
  Result<> open_transaction();
  void touch_locked(Transaction& transaction) REQUIRES(lock_);

  // buffers.cc
  enum class Claim : uint8_t { Modify, Create };
  Result<> claim(Buffer& buffer, Transaction& mine, Claim kind);
  bool needs_copy_locked(const Buffer& buffer, const Transaction& mine) const REQUIRES(lock_);
  void claim_locked(Buffer& buffer, Transaction& mine) REQUIRES(lock_);
  void file_locked(Buffer& buffer, Transaction& transaction) REQUIRES(lock_);
  bool set_dirty(Buffer& buffer, Transaction& mine);
  Result<> revoke(uint64_t block, Handle& handle);
  bool forget_locked(Buffer& buffer, Transaction& mine) REQUIRES(lock_);
  void stage(Buffer& buffer, uint8_t* to);
  void release_buffers(Transaction& transaction, bool lost);
  bool release_locked(Buffer& buffer, Transaction& transaction, bool lost) REQUIRES(lock_);
  void leave_checkpoint_locked(Buffer& buffer) REQUIRES(lock_);

  // commit.cc
  class LogWriter;
  bool commit_is_due(Deadline seen);
  void run_commits();
  void commit_running();
  Result<> write_to_log(Transaction& transaction);
  Result<uint32_t> take_log_block();
  Result<> write_commit_block(Transaction& transaction);
  Result<> write_to_home(Transaction& transaction);
  void flush_ordered(Transaction& transaction);
  void finish(Transaction& transaction, bool lost);
  Result<> flush_device();
  bool is_settled(TransactionId id);
  void request_and_wait(TransactionId id);

  // checkpoint.cc
  void run_checkpoints();
  TransactionId checkpoint_target_locked(uint32_t wanted) REQUIRES(lock_);
  Result<> make_space();
  Result<> checkpoint_through(TransactionId id) REQUIRES(checkpoint_lock_);
  Result<> write_home(Transaction& transaction) REQUIRES(checkpoint_lock_);
  size_t stage_home(Transaction& transaction, TransactionId& blocker) REQUIRES(checkpoint_lock_);
  void drop_written(Transaction& transaction, size_t count, bool ok) REQUIRES(checkpoint_lock_);
  Result<> update_tail() REQUIRES(checkpoint_lock_);
  void abandon_checkpoints();

  BufferCache& cache_;
  Optional<Owned<Log>> log_;
  JournalClient* const client_;
  Atomic<Nanoseconds> commit_interval_;
  Atomic<bool> barrier_;
  Atomic<bool> read_only_;
  Errno recorded_error_{};
  bool was_recovered_ = false;
  unsigned max_credits_ = 0;             // that handles and buffers of one transaction may have
  uint32_t max_transaction_blocks_ = 0;  // of the log, all included
  unsigned revokes_per_block_ = 1;
  const bool wide_blocks_;  // features wanted
  const bool checksums_;

  Atomic<uint64_t> door_{kClosed};
  Atomic<Transaction*> running_;     // changes under lock_, while the door is closed
  Atomic<TransactionId> newest_;     // the running one's or the last one's; changes under lock_
  Atomic<TransactionId> committed_;  // this one and all older ones
  Atomic<TransactionId> requested_;  // wanted committed
  Atomic<Errno> abort_cause_;
  Atomic<bool> stopping_;

  mutable StateLock lock_;
  Transaction* committing_ GUARDED_BY(lock_) = nullptr;
  bool barrier_begun_ GUARDED_BY(lock_) = false;     // the committing one's flush
  List<Transaction> checkpoints_ GUARDED_BY(lock_);  // committed, oldest first
  // The log's ring: [tail_, head_) may be needed for a replay.
  uint32_t head_ GUARDED_BY(lock_) = 0;
  uint32_t tail_ GUARDED_BY(lock_) = 0;
  uint32_t free_ GUARDED_BY(lock_) = 0;
  uint32_t reserved_ GUARDED_BY(lock_) = 0;  // of free_, what the committing one will still take

  Mutex<LockRank::Checkpoint> checkpoint_lock_;
  Optional<Owned<WriteBatch>> home_batch_;  // checkpoint_lock_
  Buffer* home_buffers_[WriteBatch::kSlots] GUARDED_BY(checkpoint_lock_) = {};
  Optional<Owned<WriteBatch>> log_batches_[2];  // the commit thread's

  WaitQueue commit_queue_;      // the commit thread: work, the last handle of a closed door
  WaitQueue checkpoint_queue_;  // the checkpoint thread
  WaitQueue start_waiters_;     // for a door that opens, or for room
  WaitQueue commit_waiters_;    // for committed_, requested_, ordered data, buffers written home
  Completion threads_ended_[2];
  bool threads_running_ = false;
};

// The right to change metadata, of one thread. Movable until something joins it.
class Handle : public Pinned {
 public:
  Handle(Handle&& other) noexcept
      : journal_(other.journal_),
        transaction_(other.transaction_),
        root_(other.root_ == &other ? this : other.root_),
        outer_(other.outer_),
        credits_(other.credits_) {
    if (root_ == this) current().journal_handle = this;
    other.root_ = nullptr;
  }
  ~Handle() {
    if (root_ == this) end();
  }

  // Before a change of the buffer's bytes, which are up to date. When an older transaction is still
  // on its way to the disk with this buffer, that one gets a copy first. Errors: RoFs (aborted),
  // NoMem.
  Result<> modify(Buffer& buffer) {
    if (buffer.transaction_.load_acquire() == transaction_) return {};
    return modify_slow(buffer);
  }
  // A block that this handle allocated: takes it from BufferCache::fresh(), with zeros. No need of
  // modify(). Ends the revocation of an earlier life of the block. Errors as modify().
  Result<> create(Buffer& buffer);
  // After the change. Uses a credit the first time that a transaction sees it.
  void dirty(Buffer& buffer) {
    if (buffer.transaction_.load_acquire() == transaction_ && buffer.dirty_.load_relaxed()) return;
    dirty_slow(buffer);
  }
  // A metadata block was freed: its old copies in the log are not to be replayed, its buffer goes.
  // Also for blocks that are not in memory. Errors: NoSpc (too many in one transaction: restart()),
  // RoFs, NoMem.
  Result<> revoke(uint64_t block);
  // The data is written before this transaction commits.
  void order(OrderedData& data);
  void on_commit(CommitCallback& callback);

  // More credits in the same transaction. Errors: NoSpc, it is full or about to commit: restart().
  Result<> extend(unsigned credits, unsigned revokes = 0);
  // Ends this transaction's part, which may commit from here on, and goes on in another one, with
  // so many credits. What was changed so far must be consistent. Not in a handle that joined
  // another. Errors as start(): then nothing but its end is left.
  Result<> restart(unsigned credits, unsigned revokes = 0);
  unsigned credits() const { return root_->credits_; }  // left

  TransactionId transaction() const;
  Journal& journal() const { return *journal_; }

 private:
  friend class Journal;
  Handle(Journal& journal, Transaction* transaction, unsigned credits);
  explicit Handle(Handle& root);  // joins it
  void end() {
    DCHECK(current().journal_handle == this);
    current().journal_handle = outer_;
    if (transaction_ != none()) journal_->leave(credits_);
  }
  // No transaction, and not what a buffer of no transaction has.
  static Transaction* none() { return reinterpret_cast<Transaction*>(&no_transaction_); }
  static constinit inline char no_transaction_ = 0;
  Result<> modify_slow(Buffer& buffer);
  void dirty_slow(Buffer& buffer);

  Journal* journal_;
  Transaction* transaction_;  // none() after a restart() that failed
  Handle* root_;              // this, or the one that it joined; null: moved from
  Handle* outer_ = nullptr;   // of another journal, below this one in the thread
  unsigned credits_ = 0;
};

}  // namespace kernel::jbd2
