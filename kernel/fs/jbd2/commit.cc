// SPDX-License-Identifier: MIT
// The commit thread: brings the running transaction to the disk. Its steps, and what each waits
// for, are in docs/design/journal.md.
#include "fs/jbd2/transaction.h"
#include "lib/log.h"

namespace kernel::jbd2 {

namespace {

// How long what is committed may wait for its way home.
constexpr Nanoseconds kCheckpointAge = 30 * kNanosPerSecond;

}  // namespace

// --- Asking for a commit ---

void Journal::request_commit() {
  {
    Guard guard(lock_);
    TransactionId newest = newest_.load_relaxed();
    if (requested_.load_relaxed() < newest) requested_.store_release(newest);
  }
  commit_queue_.wake_all();
}

// The transaction is over, or will never be needed: it is empty so far.
bool Journal::is_settled(TransactionId id) {
  if (is_committed(id) || is_aborted()) return true;
  Guard guard(lock_);
  Transaction* running = running_.load_relaxed();
  return running != nullptr && running->id <= id && running->empty() && committing_ == nullptr;
}

void Journal::request_and_wait(TransactionId id) {
  {
    Guard guard(lock_);
    if (requested_.load_relaxed() < id) requested_.store_release(id);
  }
  commit_queue_.wake_all();
  // Uninterruptible: the device answers in bounded time, and so does a commit.
  ignore(commit_waiters_.wait([this, id] { return is_settled(id); }, WaitMode::Uninterruptible));
}

Result<> Journal::commit_through(TransactionId id) {
  DCHECK(current_handle() == nullptr);
  if (id > newest()) id = newest();
  bool covered = false;  // by the flush that a commit still has before it
  if (!is_settled(id)) {
    {
      Guard guard(lock_);
      Transaction* running = running_.load_relaxed();
      bool last = running != nullptr && running->id <= id && !running->empty();
      covered = log_ && (last || (committing_ != nullptr && !barrier_begun_));
    }
    request_and_wait(id);
  }
  if (is_aborted()) return Errno::Io;
  return covered ? Result<>() : flush_device();
}

Result<> Journal::flush_device() {
  if (!barrier_.load_relaxed()) return {};
  return cache_.device().flush();
}

// --- The thread ---

// `seen`: the deadline that the thread sleeps until.
bool Journal::commit_is_due(Deadline seen) {
  Guard guard(lock_);
  Transaction* running = running_.load_relaxed();
  if (running == nullptr) return false;
  if (is_aborted()) return true;
  if (running->empty()) return false;
  return requested_.load_relaxed() >= running->id || running->deadline.at != seen.at ||
         stopping_.load_relaxed();
}

void Journal::run_commits() {
  for (;;) {
    Deadline deadline;
    bool due = false;
    {
      Guard guard(lock_);
      Transaction* running = running_.load_relaxed();
      if (running != nullptr && !running->empty()) {
        deadline = running->deadline;
        due = requested_.load_relaxed() >= running->id || clock::monotonic() >= deadline.at;
      }
      if (running != nullptr && is_aborted()) due = true;
      if (stopping_.load_relaxed()) {
        if (running == nullptr) return;
        due = true;
      }
    }
    if (due) {
      commit_running();
      continue;
    }
    auto ready = [this, deadline] { return stopping_.load_acquire() || commit_is_due(deadline); };
    // The end of the time is no error, and there are no signals here.
    ignore(commit_queue_.wait(ready, WaitMode::Interruptible, deadline));
  }
}

void Journal::commit_running() {
  door_.fetch_or_acq_rel(kClosed);
  auto is_out = [this] { return handles_of(door_.load_acquire()) == 0; };
  // Uninterruptible: a handle's holder waits for no commit.
  ignore(commit_queue_.wait(is_out, WaitMode::Uninterruptible));
  Transaction& transaction = *running_.load_acquire();
  bool lost = false;
  {
    Guard guard(lock_);
    // An empty one is not written: only an abort or the end of the journal brings it here.
    lost = is_aborted() || transaction.empty();
    committing_ = &transaction;
    barrier_begun_ = false;
    running_.store_release(nullptr);
    transaction.log_start = head_;
    if (log_) reserved_ = log_blocks_for(credits_of(door_.load_acquire()));
  }
  start_waiters_.wake_all();
  if (!lost) {
    flush_ordered(transaction);
    Result<> result = log_ ? write_to_log(transaction) : write_to_home(transaction);
    lost = !result.ok();
    if (lost) abort(result.error());
  }
  finish(transaction, lost);
}

void Journal::flush_ordered(Transaction& transaction) {
  for (;;) {
    OrderedData* data = nullptr;
    {
      Guard guard(lock_);
      data = transaction.ordered.pop_front();
      if (data == nullptr) return;
      data->flushing_ = true;
    }
    data->flush_ordered();
    {
      Guard guard(lock_);
      data->flushing_ = false;
      Transaction* next = std::exchange(data->next_, nullptr);
      data->transaction_.store_release(next);
      if (next != nullptr) {
        touch_locked(*next);
        next->ordered.push_back(*data);
      }
    }
    commit_waiters_.wake_all();
  }
}

void Journal::forget_ordered(OrderedData& data) {
  auto off = [this, &data] {
    Guard guard(lock_);
    data.next_ = nullptr;
    if (data.flushing_) return false;
    if (Transaction* owner = data.transaction_.load_relaxed()) owner->ordered.remove(data);
    data.transaction_.store_release(nullptr);
    return true;
  };
  if (data.transaction_.load_acquire() == nullptr) return;
  // Uninterruptible: a write ends in bounded time.
  ignore(commit_waiters_.wait(off, WaitMode::Uninterruptible));
  commit_waiters_.wake_all();  // the transaction may be empty now
}

// --- Writing ---

// Fills one batch while the device writes the other.
class Journal::LogWriter {
 public:
  LogWriter(Journal& journal, uint32_t sequence)
      : journal_(journal), log_(*journal.log_), format_(log_.format()), sequence_(sequence) {}

  Result<> add_revokes(const RevokeTable& revokes) {
    const Revoke* revoke = revokes.first();
    while (revoke != nullptr) {
      if (batch().full()) TRY(switch_batch());
      uint8_t* block = TRY(next_block());
      begin_block(block, BlockType::Revoke);
      size_t at = kRevokeEntries;
      size_t size = format_.revoke_entry_size();
      for (; revoke != nullptr && at + size <= limit(); at += size) {
        if (format_.wide()) {
          put_big_endian<uint64_t>(block + at, revoke->block);
        } else {
          put32(block + at, static_cast<uint32_t>(revoke->block));
        }
        revoke = RevokeTable::next(*revoke);
      }
      put32(block + kHeaderSize, static_cast<uint32_t>(at));
      format_.seal(block, format_.tail());
    }
    return {};
  }

  Result<> add(Buffer& buffer) {
    size_t tag_room = format_.tag_size() + (descriptor_ == nullptr ? kUuidSize : 0);
    if (batch().full() || offset_ + tag_room > limit()) end_descriptor();
    if (descriptor_ == nullptr && batch().room() < 2) TRY(switch_batch());
    if (descriptor_ == nullptr) {
      descriptor_ = TRY(next_block());
      begin_block(descriptor_, BlockType::Descriptor);
      offset_ = kHeaderSize;
    }
    uint8_t* data = TRY(next_block());
    journal_.stage(buffer, data);
    Tag tag{buffer.block(), 0, 0};
    if (get32(data) == kMagic) {
      put32(data, 0);
      tag.flags |= kTagEscaped;
    }
    bool first = offset_ == kHeaderSize;
    if (!first) tag.flags |= kTagSameUuid;
    if (format_.has_checksums()) tag.checksum = format_.data_checksum(sequence_, data);
    last_tag_ = tag;
    last_offset_ = offset_;
    format_.put_tag(descriptor_ + offset_, tag);
    offset_ += format_.tag_size();
    if (first) {
      __builtin_memcpy(descriptor_ + offset_, log_.uuid().data(), kUuidSize);
      offset_ += kUuidSize;
    }
    return {};
  }

  // Returns when the device has everything.
  Result<> finish() {
    end_descriptor();
    batch().submit(log_.device());
    Result<> result = batch().wait();
    Result<> other = other_batch().wait();
    TRY(result);
    return other;
  }

 private:
  WriteBatch& batch() { return *journal_.log_batches_[current_]; }
  WriteBatch& other_batch() { return *journal_.log_batches_[1 - current_]; }
  size_t limit() const { return format_.block_size() - format_.tail_size(); }

  void begin_block(uint8_t* block, BlockType type) {
    __builtin_memset(block, 0, format_.block_size());
    put_header(block, type, sequence_);
  }

  void end_descriptor() {
    if (descriptor_ == nullptr) return;
    last_tag_.flags |= kTagLast;
    format_.put_tag(descriptor_ + last_offset_, last_tag_);
    format_.seal(descriptor_, format_.tail());
    descriptor_ = nullptr;
  }

  Result<> switch_batch() {
    end_descriptor();
    batch().submit(log_.device());
    current_ = 1 - current_;
    return batch().wait();
  }

  Result<uint8_t*> next_block() {
    return batch().add(log_.device_block(TRY(journal_.take_log_block())));
  }

  Journal& journal_;
  Log& log_;
  const Format& format_;
  const uint32_t sequence_;
  size_t current_ = 0;
  uint8_t* descriptor_ = nullptr;  // in the present batch, not sealed yet
  size_t offset_ = 0;
  Tag last_tag_{};
  size_t last_offset_ = 0;
};

// Fails when a file system changed many more blocks than it said.
Result<uint32_t> Journal::take_log_block() {
  Guard guard(lock_);
  if (free_ == 0) return Errno::NoSpc;
  uint32_t block = head_;
  head_ = log_->after(head_);
  --free_;
  if (reserved_ != 0) --reserved_;
  return block;
}

Result<> Journal::write_to_log(Transaction& transaction) {
  auto sequence = static_cast<uint32_t>(transaction.id);
  TRY(log_->begin(transaction.log_start, sequence));
  LogWriter writer(*this, sequence);
  Result<> result = writer.add_revokes(transaction.revokes);
  // SAFETY of the walk without the lock: only this thread changes a committing transaction's list.
  for (Buffer* buffer = transaction.buffers.front(); buffer != nullptr && result.ok();
       buffer = transaction.buffers.next(*buffer)) {
    if (buffer->dirty_.load_relaxed() && !buffer->forgotten_) result = writer.add(*buffer);
  }
  Result<> written = writer.finish();  // in any case: nothing may be on its way any more
  TRY(result);
  TRY(written);
  if (is_aborted()) return Errno::Io;
  return write_commit_block(transaction);
}

// After all that it speaks for is on the medium: the log's blocks, ordered data, the log's start.
Result<> Journal::write_commit_block(Transaction& transaction) {
  namespace cb = commit_block;
  {
    Guard guard(lock_);
    barrier_begun_ = true;
  }
  TRY(flush_device());
  const Format& format = log_->format();
  uint64_t place = log_->device_block(TRY(take_log_block()));
  WriteBatch& batch = *log_batches_[0];
  std::span<uint8_t> block = batch.scratch();
  __builtin_memset(block.data(), 0, block.size());
  put_header(block.data(), BlockType::Commit, static_cast<uint32_t>(transaction.id));
  Nanoseconds now = clock::realtime();
  put_big_endian<uint64_t>(block.data() + cb::kSeconds, now / kNanosPerSecond);
  put32(block.data() + cb::kNanoseconds, static_cast<uint32_t>(now % kNanosPerSecond));
  format.seal(block.data(), cb::kChecksum);
  return cache_.device().write(place * format.block_size(), block, barrier_.load_relaxed());
}

Result<> Journal::write_to_home(Transaction& transaction) {
  Result<> result;
  size_t current = 0;
  // SAFETY of the walk without the lock: as in write_to_log.
  for (Buffer* buffer = transaction.buffers.front(); buffer != nullptr && result.ok();
       buffer = transaction.buffers.next(*buffer)) {
    if (!buffer->dirty_.load_relaxed() || buffer->forgotten_) continue;
    if (log_batches_[current]->full()) {
      log_batches_[current]->submit(cache_.device());
      current = 1 - current;
      result = log_batches_[current]->wait();
    }
    stage(*buffer, log_batches_[current]->add(buffer->block()));
  }
  log_batches_[current]->submit(cache_.device());
  for (Optional<Owned<WriteBatch>>& batch : log_batches_) {
    Result<> written = batch->wait();
    if (result.ok()) result = written;
  }
  return result;
}

// --- The end ---

void Journal::finish(Transaction& transaction, bool lost) {
  if (lost) {  // what was not flushed is not going to be
    Guard guard(lock_);
    while (OrderedData* data = transaction.ordered.pop_front()) {
      data->transaction_.store_release(nullptr);
      data->next_ = nullptr;
    }
  }
  release_buffers(transaction, lost);
  while (!transaction.revokes.empty()) transaction.revokes.remove(*transaction.revokes.first());
  for (;;) {
    CommitCallback* callback = transaction.callbacks.pop_front();
    if (callback == nullptr) break;
    callback->transaction_ended(lost ? Result<>(Errno::Io) : Result<>());
  }
  TransactionId id = transaction.id;
  bool keep = !lost && log_;
  {
    Guard guard(lock_);
    committing_ = nullptr;
    reserved_ = 0;
    if (keep) {
      transaction.deadline = Deadline::after(kCheckpointAge);
      checkpoints_.push_back(transaction);
    }
    if (!lost) committed_.store_release(id);
  }
  if (!keep) Owned<Transaction> gone = Owned<Transaction>::adopt(&transaction);
  commit_waiters_.wake_all();
  start_waiters_.wake_all();
  checkpoint_queue_.wake_all();
}

}  // namespace kernel::jbd2
