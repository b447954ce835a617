// SPDX-License-Identifier: MIT
// A journal's beginning and end.
#include "fs/jbd2/journal.h"

#include "fs/jbd2/recovery.h"
#include "fs/jbd2/transaction.h"
#include "lib/log.h"

namespace kernel::jbd2 {

Journal::Journal(BufferCache& cache, const JournalOptions& options)
    : cache_(cache),
      client_(options.client),
      commit_interval_(options.commit_interval),
      barrier_(options.barrier),
      read_only_(true),
      wide_blocks_(options.wide_blocks),
      checksums_(options.checksums) {}

Journal::~Journal() { DCHECK(!threads_running_ && running_.load_relaxed() == nullptr); }

void Journal::last_unref(Journal* journal) { delete journal; }

// --- Beginning ---

Result<Ref<Journal>> Journal::make(BufferCache& cache, const JournalOptions& options) {
  auto* made = new (std::nothrow) Journal(cache, options);
  if (made == nullptr) return Errno::NoMem;
  Ref<Journal> journal = Ref<Journal>::adopt(*made);
  journal->max_credits_ = 1u << 16;
  journal->newest_.store_relaxed(TransactionId{1} << 32);
  journal->committed_.store_relaxed(TransactionId{1} << 32);
  return journal;
}

Result<Ref<Journal>> Journal::open_without_log(BufferCache& cache, const JournalOptions& options) {
  Ref<Journal> journal = TRY(make(cache, options));
  if (!options.read_only) TRY(journal->set_read_only(false));
  return journal;
}

Result<Ref<Journal>> Journal::open(BufferCache& cache, std::span<const JournalExtent> extents,
                                   const JournalOptions& options) {
  Ref<Journal> journal = TRY(make(cache, options));
  TRY(journal->load(extents));
  if (!options.read_only) TRY(journal->set_read_only(false));
  return journal;
}

Result<> Journal::load(std::span<const JournalExtent> extents) {
  log_ = TRY(Log::load(cache_.device(), cache_.block_size(), extents));
  log_->set_barrier(barrier_.load_relaxed());
  recorded_error_ = log_->error();
  uint32_t next = log_->sequence() + 1;
  if (log_->start() != 0) {
    if (cache_.device().read_only()) {
      log_error("jbd2: {}: recovery is needed and the device is read-only", cache_.device().name());
      return Errno::RoFs;
    }
    Owned<Recovery> recovery = TRY(make_owned<Recovery>(*log_, cache_));
    TRY(recovery->run());
    next = recovery->next_sequence();
    was_recovered_ = true;
    TRY(log_->set_empty(next));
  }
  TransactionId last = ((TransactionId{1} << 32) | next) - 1;
  newest_.store_relaxed(last);
  committed_.store_relaxed(last);
  // Four transactions of the largest size fit: one runs, one commits, two wait for their way home.
  max_transaction_blocks_ = log_->size() / 4;
  max_credits_ = max_transaction_blocks_ - 3;
  while (log_blocks_for(max_credits_) > max_transaction_blocks_) --max_credits_;
  Guard guard(lock_);
  head_ = tail_ = log_->first();
  free_ = log_->size() - 1;  // head and tail meet only when it is empty
  return {};
}

Result<> Journal::set_read_only(bool read_only) {
  if (!read_only) {
    if (is_aborted() || cache_.device().read_only()) return Errno::RoFs;
    if (!threads_running_) TRY(start_threads());
  }
  read_only_.store_release(read_only);
  Guard guard(lock_);
  if (read_only) {
    door_.fetch_or_acq_rel(kClosed);
  } else if (running_.load_relaxed() != nullptr) {
    door_.fetch_and_acq_rel(~kClosed);
  }
  return {};
}

Result<> Journal::start_threads() {
  if (log_) {
    log_->add_features(wide_blocks_, checksums_);
    revokes_per_block_ = log_->format().revokes_per_block();
    home_batch_ = TRY(make_owned<WriteBatch>());
    TRY(home_batch_->prepare(cache_.block_size()));
  }
  for (Optional<Owned<WriteBatch>>& batch : log_batches_) {
    batch = TRY(make_owned<WriteBatch>());
    TRY(batch->prepare(cache_.block_size()));
  }
  Ref<Thread> commits = TRY(Thread::create_kernel(
      "jbd2-commit",
      [](void* argument) {
        auto* journal = static_cast<Journal*>(argument);
        journal->run_commits();
        journal->threads_ended_[0].complete();
      },
      this));
  Ref<Thread> checkpoints = TRY(Thread::create_kernel(
      "jbd2-checkpoint",
      [](void* argument) {
        auto* journal = static_cast<Journal*>(argument);
        if (journal->log_) journal->run_checkpoints();
        journal->threads_ended_[1].complete();
      },
      this));
  threads_running_ = true;
  commits->start();
  checkpoints->start();
  return {};
}

// --- End ---

Result<> Journal::close() {
  Result<> result;
  if (threads_running_) {
    if (!is_aborted() && !read_only_.load_acquire()) result = flush();
    stopping_.store_release(true);
    commit_queue_.wake_all();
    checkpoint_queue_.wake_all();
    for (Completion& ended : threads_ended_) ignore(ended.wait());  // uninterruptible
    threads_running_ = false;
  }
  abandon_checkpoints();
  if (result.ok() && is_aborted()) return Errno::Io;
  return result;
}

void Journal::set_barrier(bool barrier) {
  barrier_.store_relaxed(barrier);
  if (log_) log_->set_barrier(barrier);
}

void Journal::abort(Errno cause) {
  Errno none{};
  if (!abort_cause_.compare_exchange_acq_rel(none, cause)) return;
  log_error("jbd2: {}: the journal has stopped, error {}", cache_.device().name(),
            static_cast<int32_t>(cause));
  door_.fetch_or_acq_rel(kClosed);
  commit_queue_.wake_all();
  checkpoint_queue_.wake_all();
  start_waiters_.wake_all();
  commit_waiters_.wake_all();
  // The disk may not take this either.
  if (log_) ignore(log_->set_error(cause));
  if (client_ != nullptr) client_->journal_aborted(cause);
}

Result<> Journal::clear_recorded_error() {
  recorded_error_ = Errno{};
  return log_ ? log_->set_error(Errno{}) : Result<>();
}

}  // namespace kernel::jbd2
