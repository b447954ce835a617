// SPDX-License-Identifier: MIT
// See wait_queue.h. The ordering argument of sleep and wake-up is in cpu_state.h; here the waiter's
// count plays the part of the state: add() counts, then a full fence, then the test of the
// condition.
#include "sched/wait_queue.h"

namespace kernel {

bool ThreadWaiter::wake_thread(Waiter& waiter, uint32_t) {
  return static_cast<ThreadWaiter&>(waiter).thread_->wake();
}

void WaitQueue::wake(size_t exclusive_count, uint32_t events) {
  full_fence();  // pairs with the one in add(): either this sees the waiter, or it sees the
                 // condition
  if (count_.load_relaxed() == 0) return;
  Guard guard(lock_);
  wake_locked(exclusive_count, events);
}

void WaitQueue::set_and_wake_all(Atomic<bool>& flag) {
  Guard guard(lock_);
  flag.store_release(true);
  wake_locked(~size_t{0}, 0);
}

void WaitQueue::wake_locked(size_t exclusive_count, uint32_t events) {
  for (Waiter* waiter = waiters_.front(); waiter != nullptr;) {
    Waiter* next = waiters_.next(*waiter);
    bool exclusive = waiter->exclusive_;  // on_wake may end the waiter's life
    if (waiter->on_wake_(*waiter, events) && exclusive && --exclusive_count == 0) return;
    waiter = next;
  }
}

void WaitQueue::add(Waiter& waiter) {
  {
    Guard guard(lock_);
    DCHECK(waiter.queue_ == nullptr);
    waiter.queue_ = this;
    if (waiter.exclusive_) {
      waiters_.push_back(waiter);
    } else {
      waiters_.push_front(waiter);
    }
    count_.store_relaxed(count_.load_relaxed() + 1);
  }
  full_fence();  // pairs with the one in wake()
}

void WaitQueue::remove(Waiter& waiter) {
  Guard guard(lock_);
  if (waiter.queue_ != this) return;
  waiters_.remove(waiter);
  waiter.queue_ = nullptr;
  count_.store_relaxed(count_.load_relaxed() - 1);
}

bool WaitQueue::has_waiters() const { return count_.load_acquire() != 0; }

ThreadState WaitQueue::sleep_state(WaitMode mode) {
  switch (mode) {
    case WaitMode::Interruptible: return ThreadState::Interruptible;
    case WaitMode::Killable: return ThreadState::Killable;
    case WaitMode::Uninterruptible: break;
  }
  return ThreadState::Uninterruptible;
}

bool WaitQueue::interrupted(WaitMode mode) {
  switch (mode) {
    case WaitMode::Interruptible: return sched::signal_pending();
    case WaitMode::Killable: return sched::kill_pending();
    case WaitMode::Uninterruptible: break;
  }
  return false;
}

}  // namespace kernel
