// SPDX-License-Identifier: MIT
// See poll_set.h.

#include "fs/vfs/poll_set.h"

namespace kernel {

// Under the queue's lock. Exclusive wake-ups are not consumed: this one may look and not read.
bool PollSet::Entry::on_wake(Waiter& waiter, uint32_t) {
  PollSet& set = static_cast<Entry&>(waiter).set_;
  set.triggered_.store_release(true);
  set.thread_.wake();
  return false;
}

PollSet::~PollSet() {
  for (size_t i = 0; i < inline_used_; ++i) {
    auto* entry = reinterpret_cast<Entry*>(inline_[i]);
    if (WaitQueue* queue = entry->queue()) queue->remove(*entry);
    entry->~Entry();
  }
  while (entries_ != nullptr) {
    Owned<Entry> entry = Owned<Entry>::adopt(std::exchange(entries_, entries_->next));
    if (WaitQueue* queue = entry->queue()) queue->remove(*entry);
  }
}

void PollSet::keep(File& file) {
  if (Result<> kept = files_.append(Ref<File>(file)); !kept.ok()) problem_ = kept;
}

void PollSet::wait_on(WaitQueue& queue) {
  Entry* entry;
  if (inline_used_ < kInline) {
    entry = new (inline_[inline_used_++]) Entry(*this);
  } else {
    Result<Owned<Entry>> made = make_owned<Entry>(*this);
    if (!made.ok()) {
      problem_ = made.error();
      return;
    }
    entry = std::move(made).take().leak();
    entry->next = std::exchange(entries_, entry);
  }
  queue.add(*entry);
}

Result<> PollSet::wait(Deadline deadline) {
  TRY(problem_);
  lockdep::assert_may_sleep();
  Result<> result;
  for (;;) {
    sched::set_state(ThreadState::Interruptible);
    if (triggered_.load_acquire()) break;
    if (sched::signal_pending()) {
      result = Errno::RestartSys;
      break;
    }
    if (!sched::schedule_until(deadline)) {
      if (!triggered_.load_acquire()) result = Errno::TimedOut;
      break;
    }
  }
  sched::set_state(ThreadState::Runnable);
  return result;
}

}  // namespace kernel
