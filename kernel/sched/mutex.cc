// SPDX-License-Identifier: MIT
// See mutex.h. The word: the owner's address; bit 0 says that somebody may wait, so that release()
// must look. A newcomer may overtake a waiter that is just waking up, but not for long: a waiter
// that was woken and came too late sets bit 1, and then release() gives the mutex to the first in
// line.
#include "sched/mutex.h"

namespace kernel {

namespace {

constexpr uint64_t kContended = 1;
constexpr uint64_t kHandOver = 2;
constexpr uint64_t kFlags = kContended | kHandOver;

uint64_t self() { return reinterpret_cast<uint64_t>(&current()); }

}  // namespace

bool MutexBase::acquire() {
  uint64_t expected = 0;
  if (owner_.compare_exchange_acq_rel(expected, self())) [[likely]] return false;
  acquire_slow();
  return true;
}

bool MutexBase::try_acquire() {
  uint64_t seen = owner_.load_relaxed();
  return (seen & ~kFlags) == 0 && owner_.compare_exchange_acq_rel(seen, seen | self());
}

void MutexBase::acquire_slow() {
  lockdep::assert_may_sleep();
  DCHECK(!is_held_by_current());
  MutexWaiter waiter(current());
  {
    Guard guard(lock_);
    waiters_.push_back(waiter);
  }
  bool woken = false;
  for (;;) {
    sched::set_state(ThreadState::Uninterruptible);
    if (try_take(woken)) break;
    sched::schedule();
    woken = true;
  }
  sched::set_state(ThreadState::Runnable);
  Guard guard(lock_);
  waiters_.remove(waiter);
  // Bit 0 stays set although this may have been the last waiter: release() then looks in vain,
  // once.
}

// True when the mutex is ours now. Else its word says that we wait.
bool MutexBase::try_take(bool woken) {
  uint64_t seen = owner_.load_acquire();
  for (;;) {
    uint64_t owner = seen & ~kFlags;
    if (owner == self()) return true;  // handed over
    uint64_t wanted =
        owner == 0 ? self() | kContended : seen | kContended | (woken ? kHandOver : 0);
    if (wanted == seen || owner_.compare_exchange_acq_rel(seen, wanted)) return owner == 0;
  }
}

void MutexBase::release() {
  DCHECK(is_held_by_current());
  uint64_t expected = self();
  if (owner_.compare_exchange_acq_rel(expected, 0)) [[likely]] return;
  release_slow();
}

// The first waiter's thread cannot leave while the lock is held: it takes the lock to get off the
// list.
void MutexBase::release_slow() {
  Guard guard(lock_);
  MutexWaiter* first = waiters_.front();
  uint64_t next = 0;
  if (first != nullptr) {
    bool hand_over = (owner_.load_relaxed() & kHandOver) != 0;
    next = (hand_over ? reinterpret_cast<uint64_t>(&first->thread) : 0) | kContended;
  }
  owner_.exchange_acq_rel(next);
  if (first != nullptr) first->thread.wake();
}

bool MutexBase::is_held_by_current() const { return (owner_.load_relaxed() & ~kFlags) == self(); }

}  // namespace kernel
