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

#include "fs/jbd2/buffer.h"
#include "lib/result.h"

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
  Atomic<Transaction*> next_;
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

// Consecutive blocks of the journal's inode, in its order.
struct JournalExtent {
  uint64_t first;  // block of the file system
  uint32_t count;
};

struct JournalOptions {
  Nanoseconds commit_interval = 5 * kNanosPerSecond;  // commit=
  bool barrier = true;                                // barrier=0: trust the write cache
  bool read_only = false;     // the file system is mounted read-only: replay, but no threads yet
  bool device_read_only = false;  // nothing may be written: a journal that needs recovery is refused
  JournalClient* client = nullptr;
};

class Handle;

class Journal : public RefCounted<Journal> {
 public:
  // Checks the journal in these blocks and replays it if it was not closed cleanly: afterwards the
  // file system reads its superblock again. Errors: Inval (not a journal, or damaged), OpNotSupp
  // (features, fast commits to replay), RoFs (recovery needed, device read-only), Io.
  static Result<Ref<Journal>> open(BufferCache& cache, std::span<const JournalExtent> extents,
                                   const JournalOptions& options);
  // For file systems without a journal: the same calls; what is dirty is written home at the same
  // times as a transaction would be committed.
  static Result<Ref<Journal>> open_without_log(BufferCache& cache, const JournalOptions& options);
  // Commits, writes everything home, marks the journal empty, ends the threads. No handle is open.
  // Before the last reference goes. Errors: those of the writes.
  Result<> close();

  // --- Changes ---
  // A handle for changing up to `credits` blocks, `revokes` of metadata blocks freed. A thread that
  // holds one of this journal joins it: then the outer handle's credits must suffice for both.
  // May wait for a commit and for log space. Errors: RoFs (aborted, or read-only), NoSpc (more
  // credits than a transaction can have), NoMem.
  Result<Handle> start(unsigned credits, unsigned revokes = 0);
  // The handle of the running thread, or null.
  Handle* current_handle() const;
  unsigned max_credits() const;  // of one handle

  // --- Durability ---
  // Returns when the transaction is on the medium, and everything that the device completed before
  // the call too. Errors: Io (the journal was aborted).
  Result<> commit_through(TransactionId id);
  // The same for all that happened before the call (sync, syncfs).
  Result<> commit_now();
  // Starts that without waiting.
  void request_commit();
  // The newest transaction: what happened before the call is in it or in an older one.
  TransactionId newest() const;
  bool is_committed(TransactionId id) const;
  // commit_now(), and everything at its place on the disk; the journal is marked empty when nothing
  // went on meanwhile (remount read-only, freeze).
  Result<> flush();
  // After a mount or remount: whether changes are allowed.
  Result<> set_read_only(bool read_only);
  void set_commit_interval(Nanoseconds interval);
  void set_barrier(bool barrier);

  // --- Errors ---
  // Nothing more is written; the error is recorded in the journal's superblock.
  void abort(Errno cause);
  bool is_aborted() const;
  // An abort of an earlier mount, as recorded; 0: none. clear: after the file system has noted it.
  Errno recorded_error() const;
  Result<> clear_recorded_error();

  // --- Ordered data ---
  // The object ends, or has no data any more: waits while the commit thread writes it.
  void forget_ordered(OrderedData& data);

  bool has_log() const;
  bool was_recovered() const;  // open() replayed something
};

// The right to change metadata, of one thread. Movable until something joins it.
class Handle {
 public:
  Handle(Handle&& other) noexcept;
  ~Handle();

  // Before a change of the buffer's bytes. When an older transaction is still on its way to the
  // disk with this buffer, it gets a copy first. Errors: RoFs (aborted), NoMem.
  Result<> modify(Buffer& buffer);
  // A block that this handle allocated: takes it from BufferCache::fresh(), with zeros. No need of
  // modify(). Ends the revocation of an earlier life of the block.
  Result<> create(Buffer& buffer);
  // After the change. Uses a credit the first time that a transaction sees it.
  void dirty(Buffer& buffer);
  // A metadata block was freed: its old copies in the log are not to be replayed, its buffer goes.
  // Also for blocks that are not in memory.
  Result<> revoke(uint64_t block);
  // The data is written before this transaction commits.
  Result<> order(OrderedData& data);
  void on_commit(CommitCallback& callback);

  // More credits in the same transaction. Errors: NoSpc, it is full: restart().
  Result<> extend(unsigned credits, unsigned revokes = 0);
  // Ends this transaction's part, which may commit from here on, and goes on in another one. What
  // was changed so far must be consistent. Errors as start(); then only its destructor is called.
  Result<> restart(unsigned credits, unsigned revokes = 0);
  unsigned credits() const;  // left

  TransactionId transaction() const;
  Journal& journal() const;
};

}  // namespace kernel::jbd2
