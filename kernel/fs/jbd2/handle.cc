// SPDX-License-Identifier: MIT
// Handles: how changes enter the running transaction and leave it. The door (journal.h) counts
// them; the commit thread closes it and waits until the last one is out.
#include "fs/jbd2/transaction.h"

namespace kernel::jbd2 {

// --- The door ---

unsigned Journal::blocks_for(unsigned credits, unsigned revokes) const {
  if (revokes == 0) return credits;
  return credits + (revokes + revokes_per_block_ - 1) / revokes_per_block_;
}

bool Journal::try_enter(unsigned blocks, Transaction*& entered) {
  uint64_t door = door_.load_relaxed();
  do {
    if ((door & kClosed) != 0 || uint64_t{credits_of(door)} + blocks > max_credits_) return false;
  } while (!door_.compare_exchange_acq_rel(door, door + kOneHandle + blocks));
  entered = running_.load_acquire();  // stays while the handle is inside
  return true;
}

Result<Transaction*> Journal::enter(unsigned blocks) {
  Transaction* entered = nullptr;
  if (blocks > max_credits_) return Errno::NoSpc;
  while (!try_enter(blocks, entered)) {
    if (is_aborted() || read_only_.load_relaxed()) return Errno::RoFs;
    if ((door_.load_acquire() & kClosed) != 0) {
      if (running_.load_acquire() == nullptr) {
        TRY(open_transaction());
        continue;
      }
    } else {
      request_commit();  // it is full
      door_.fetch_or_acq_rel(kWanted);
    }
    auto may_enter = [this, blocks] {
      uint64_t door = door_.load_acquire();
      if (is_aborted()) return true;
      if ((door & kClosed) != 0) return running_.load_acquire() == nullptr;
      return uint64_t{credits_of(door)} + blocks <= max_credits_;
    };
    // Uninterruptible: a commit ends in bounded time.
    ignore(start_waiters_.wait(may_enter, WaitMode::Uninterruptible));
  }
  return entered;
}

// The door was closed or wanted when a handle left.
void Journal::left_last(uint64_t before) {
  if ((before & kClosed) != 0 && handles_of(before) == 1) commit_queue_.wake_all();
  if ((before & kWanted) != 0) start_waiters_.wake_all();
}

bool Journal::reserve_more(unsigned blocks) {
  uint64_t door = door_.load_relaxed();
  do {
    if ((door & kClosed) != 0 || uint64_t{credits_of(door)} + blocks > max_credits_) return false;
  } while (!door_.compare_exchange_acq_rel(door, door + blocks));
  return true;
}

// On success somebody, maybe another thread, has opened one, or the journal was aborted.
Result<> Journal::open_transaction() {
  Owned<Transaction> fresh = TRY(make_owned<Transaction>());
  for (;;) {
    {
      Guard guard(lock_);
      if (running_.load_relaxed() != nullptr || is_aborted()) return {};
      if (!log_ || free_ - reserved_ >= max_transaction_blocks_) {
        fresh->id = newest_.load_relaxed() + 1;
        newest_.store_release(fresh->id);
        running_.store_release(std::move(fresh).leak());
        door_.store_release(0);
        break;
      }
    }
    TRY(make_space());
  }
  start_waiters_.wake_all();
  return {};
}

// Before something enters the transaction: with the first thing, the clock of its commit starts.
void Journal::touch_locked(Transaction& transaction) {
  if (!transaction.empty()) return;
  transaction.deadline = Deadline::after(commit_interval_.load_relaxed());
  commit_queue_.wake_all();
}

// --- Handles ---

Result<Handle> Journal::start(unsigned credits, unsigned revokes) {
  if (Handle* held = current_handle()) return Handle(*held);
  unsigned blocks = blocks_for(credits, revokes);
  Transaction* entered = nullptr;
  if (!try_enter(blocks, entered)) entered = TRY(enter(blocks));
  return Handle(*this, entered, blocks);
}

Handle* Journal::current_handle() const {
  Handle* handle = current().journal_handle;
  while (handle != nullptr && handle->journal_ != this) handle = handle->outer_;
  return handle;
}

Handle::Handle(Journal& journal, Transaction* transaction, unsigned credits)
    : journal_(&journal),
      transaction_(transaction),
      root_(this),
      outer_(current().journal_handle),
      credits_(credits) {
  current().journal_handle = this;
}

Handle::Handle(Handle& root)
    : journal_(root.journal_), transaction_(root.transaction_), root_(&root) {}

TransactionId Handle::transaction() const { return transaction_ == none() ? 0 : transaction_->id; }

Result<> Handle::extend(unsigned credits, unsigned revokes) {
  unsigned blocks = journal_->blocks_for(credits, revokes);
  if (transaction_ == none() || !journal_->reserve_more(blocks)) return Errno::NoSpc;
  root_->credits_ += blocks;
  return {};
}

Result<> Handle::restart(unsigned credits, unsigned revokes) {
  DCHECK(root_ == this);
  if (transaction_ == none()) return Errno::RoFs;
  journal_->leave(credits_);
  credits_ = 0;
  transaction_ = none();
  unsigned blocks = journal_->blocks_for(credits, revokes);
  transaction_ = TRY(journal_->enter(blocks));
  credits_ = blocks;
  return {};
}

Result<> Handle::modify_slow(Buffer& buffer) {
  DCHECK(buffer.is_up_to_date());
  if (transaction_ == none()) return Errno::RoFs;
  if (buffer.next_.load_acquire() == transaction_) return {};
  return journal_->claim(buffer, *transaction_, Journal::Claim::Modify);
}

Result<> Handle::create(Buffer& buffer) {
  if (transaction_ == none()) return Errno::RoFs;
  TRY(journal_->claim(buffer, *transaction_, Journal::Claim::Create));
  buffer.cache_.begin_fill(buffer);  // a read-ahead may be on its way into it
  __builtin_memset(buffer.data_, 0, buffer.size());
  buffer.verified_.store_relaxed(0);
  buffer.cache_.end_fill(buffer, true);
  return {};
}

void Handle::dirty_slow(Buffer& buffer) {
  if (transaction_ == none() || !journal_->set_dirty(buffer, *transaction_)) return;
  // A file system that counted too few: the transaction grows past its limit, which the commit
  // copes with as long as the log has room.
  DCHECK(root_->credits_ != 0);
  if (root_->credits_ != 0) --root_->credits_;
}

Result<> Handle::revoke(uint64_t block) {
  if (transaction_ == none()) return Errno::RoFs;
  return journal_->revoke(block, *this);
}

void Handle::order(OrderedData& data) {
  if (transaction_ == none() || data.transaction_.load_acquire() == transaction_) return;
  Guard guard(journal_->lock_);
  Transaction* owner = data.transaction_.load_relaxed();
  if (owner == transaction_) return;
  if (owner == nullptr) {
    data.transaction_.store_release(transaction_);
    journal_->touch_locked(*transaction_);
    transaction_->ordered.push_back(data);
  } else {
    data.next_ = transaction_;  // the committing one writes it just now
  }
}

void Handle::on_commit(CommitCallback& callback) {
  if (transaction_ != none()) {
    Guard guard(journal_->lock_);
    journal_->touch_locked(*transaction_);
    transaction_->callbacks.push_back(callback);
    return;
  }
  callback.transaction_ended(Errno::Io);
}

}  // namespace kernel::jbd2
