// SPDX-License-Identifier: MIT
// Checkpoints: what is committed is written to its place, then the log may be used again. By the
// checkpoint thread when the log is half full or its contents are old, and by whoever needs room
// for a new transaction at once. What is in a newer transaction again must wait for that one.
#include "fs/jbd2/transaction.h"

namespace kernel::jbd2 {

// --- When ---

// The oldest transaction after whose end `wanted` blocks of the log are free; the last one if there
// are not as many; 0: there is none.
TransactionId Journal::checkpoint_target_locked(uint32_t wanted) {
  TransactionId target = 0;
  for (Transaction& transaction : checkpoints_) {
    target = transaction.id;
    Transaction* after = checkpoints_.next(transaction);
    if (after == nullptr) after = committing_;
    uint32_t end = after != nullptr ? after->log_start : head_;
    if (free_ + log_->distance(tail_, end) >= wanted) break;
  }
  return target;
}

void Journal::run_checkpoints() {
  for (;;) {
    TransactionId target = 0;
    TransactionId seen = 0;
    Deadline deadline;
    {
      Guard guard(lock_);
      Transaction* oldest = checkpoints_.front();
      if (oldest != nullptr && !is_aborted()) {
        seen = oldest->id;
        deadline = oldest->deadline;
        if (free_ < log_->size() / 2) target = checkpoint_target_locked(log_->size() / 4 * 3);
        Nanoseconds now = clock::monotonic();
        for (Transaction* at = oldest; at != nullptr && now >= at->deadline.at;
             at = checkpoints_.next(*at))
          if (at->id > target) target = at->id;
      }
    }
    if (stopping_.load_acquire()) return;
    if (target != 0) {
      Guard guard(checkpoint_lock_);
      Result<> result = checkpoint_through(target);
      if (!result.ok()) abort(result.error());
      continue;
    }
    auto ready = [this, seen] {
      if (stopping_.load_acquire()) return true;
      Guard guard(lock_);
      Transaction* oldest = checkpoints_.front();
      return oldest != nullptr && !is_aborted() && (oldest->id != seen || free_ < log_->size() / 2);
    };
    // The end of the time is no error, and there are no signals here.
    ignore(checkpoint_queue_.wait(ready, WaitMode::Interruptible, deadline));
  }
}

// Called until the log has room for another transaction.
Result<> Journal::make_space() {
  Guard guard(checkpoint_lock_);
  TransactionId target = 0;
  TransactionId committing = 0;
  {
    Guard state(lock_);
    if (is_aborted()) return Errno::RoFs;
    if (free_ - reserved_ >= max_transaction_blocks_) return {};
    target = checkpoint_target_locked(max_transaction_blocks_ * 2);
    if (committing_ != nullptr) committing = committing_->id;
  }
  if (target == 0 && committing != 0) {
    request_and_wait(committing);
    return {};
  }
  Result<> result = checkpoint_through(target);
  if (!result.ok()) abort(result.error());
  return result;
}

// --- How ---

// Everything up to this transaction is at home afterwards, and the log's tail behind it.
Result<> Journal::checkpoint_through(TransactionId id) {
  for (;;) {
    Transaction* oldest = nullptr;
    {
      Guard guard(lock_);
      oldest = checkpoints_.front();
    }
    if (oldest == nullptr || oldest->id > id) return update_tail();
    TRY(write_home(*oldest));
    {
      Guard guard(lock_);
      checkpoints_.remove(*oldest);
    }
    Owned<Transaction> gone = Owned<Transaction>::adopt(oldest);
  }
}

Result<> Journal::write_home(Transaction& transaction) {
  for (;;) {
    if (is_aborted()) return Errno::Io;
    TransactionId blocker = 0;
    size_t count = stage_home(transaction, blocker);
    if (count != 0) {
      home_batch_->submit(cache_.device());
      Result<> written = home_batch_->wait();
      drop_written(transaction, count, written.ok());
      TRY(written);
    } else if (blocker != 0) {
      request_and_wait(blocker);
    } else {
      return {};
    }
  }
}

// Copies buffers for their way home; they stay on the list. With none, `blocker` is the newest
// transaction that has one of them again; 0: the list is empty.
size_t Journal::stage_home(Transaction& transaction, TransactionId& blocker) {
  uint32_t left = 0;
  {
    Guard guard(lock_);
    left = transaction.checkpoint_count;
  }
  size_t count = 0;
  for (; left > 0 && !home_batch_->full(); --left) {
    Guard guard(lock_);
    Buffer* buffer = transaction.checkpoint.pop_front();
    if (buffer == nullptr) break;
    transaction.checkpoint.push_back(*buffer);
    if (Transaction* owner = buffer->transaction_.load_relaxed()) {
      if (owner->id > blocker) blocker = owner->id;
      continue;
    }
    if (buffer->writing_home_) continue;  // staged in this round
    __builtin_memcpy(home_batch_->add(buffer->block()), buffer->data(), buffer->size());
    buffer->writing_home_ = true;
    home_buffers_[count++] = buffer;
  }
  return count;
}

// The buffers stayed in memory meanwhile: the list has a reference. But a commit may have moved one
// to its own list, or taken it off.
void Journal::drop_written(Transaction& transaction, size_t count, bool ok) {
  for (size_t i = 0; i < count; ++i) {
    Guard guard(lock_);
    Buffer* buffer = home_buffers_[i];
    buffer->writing_home_ = false;
    if (!ok || buffer->checkpoint_ != &transaction) continue;
    leave_checkpoint_locked(*buffer);
    if (buffer->transaction_.load_relaxed() == nullptr) buffer->unref();  // the cache has one
  }
  commit_waiters_.wake_all();
}

// What is not needed any more becomes free, once the disk's superblock says so.
Result<> Journal::update_tail() {
  uint32_t tail = 0;
  TransactionId first = 0;
  {
    Guard guard(lock_);
    Transaction* oldest = checkpoints_.front();
    if (oldest == nullptr) oldest = committing_;
    tail = oldest != nullptr ? oldest->log_start : head_;
    first = oldest != nullptr ? oldest->id : newest_.load_relaxed() + 1;
    if (oldest == nullptr && running_.load_relaxed() != nullptr) --first;
    if (tail == tail_) return {};
  }
  TRY(flush_device());  // what was written home is at home
  TRY(log_->set_start(tail, static_cast<uint32_t>(first)));
  Guard guard(lock_);
  free_ += log_->distance(tail_, tail);
  tail_ = tail;
  return {};
}

Result<> Journal::flush() {
  TRY(commit_now());
  if (!log_) return {};
  Guard guard(checkpoint_lock_);
  Result<> result = checkpoint_through(committed_.load_acquire());
  if (!result.ok()) {
    abort(result.error());
    return result;
  }
  uint32_t next = 0;
  auto is_idle = [this, &next] {
    Guard state(lock_);
    Transaction* running = running_.load_relaxed();
    next = static_cast<uint32_t>(newest_.load_relaxed() + (running != nullptr ? 0 : 1));
    return checkpoints_.empty() && committing_ == nullptr;
  };
  return log_->set_empty_if(next, is_idle);
}

// After an abort: what is in the log is replayed by the next mount.
void Journal::abandon_checkpoints() {
  Guard guard(lock_);
  while (Transaction* transaction = checkpoints_.pop_front()) {
    while (Buffer* buffer = transaction->checkpoint.front()) {
      leave_checkpoint_locked(*buffer);
      if (buffer->transaction_.load_relaxed() == nullptr) buffer->unref();
    }
    Owned<Transaction> gone = Owned<Transaction>::adopt(transaction);
  }
}

}  // namespace kernel::jbd2
