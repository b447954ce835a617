// SPDX-License-Identifier: MIT
// See wait_queue.h. The ordering argument of sleep and wake-up is in cpu_state.h; here the waiter's
// count plays the part of the state: add() counts, then a full fence, then the test of the
// condition.
#include "sched/wait_queue.h"

#include "sync/per_cpu.h"
#include "sync/rcu.h"

namespace kernel {
namespace {

// How many queues this CPU is waking inside one another (an epoll set's own, from a waiter of a
// file's): the lock order's subclass. Changed with interrupts masked, so that it is 0 for whoever
// can be moved to another CPU.
PER_CPU(uint8_t, wake_depth);

}  // namespace

bool ThreadWaiter::wake_thread(Waiter& waiter, uint32_t) {
  return static_cast<ThreadWaiter&>(waiter).thread_->wake();
}

void WaitQueue::wake(size_t exclusive_count, uint32_t events) {
  full_fence();  // pairs with the one in add(): either this sees the waiter, or it sees the
                 // condition
  if (count_.load_relaxed() == 0) return;
  Guard guard(lock_, wake_depth.nearby());
  wake_locked(exclusive_count, events);
}

void WaitQueue::set_and_wake_all(Atomic<bool>& flag) {
  Guard guard(lock_);
  flag.store_release(true);
  wake_locked(~size_t{0}, 0);
}

void WaitQueue::wake_locked(size_t exclusive_count, uint32_t events) {
  ++wake_depth.mine();
  for (Waiter* waiter = waiters_.front(); waiter != nullptr;) {
    Waiter* next = waiters_.next(*waiter);
    bool exclusive = waiter->exclusive_;  // on_wake may end the waiter's life
    if (waiter->on_wake_(*waiter, events) && exclusive && --exclusive_count == 0) break;
    waiter = next;
  }
  --wake_depth.mine();
}

void WaitQueue::add(Waiter& waiter) {
  {
    Guard guard(lock_);
    DCHECK(waiter.queue() == nullptr);
    waiter.queue_.store_relaxed(this);
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
  if (waiter.queue() != this) return;
  waiters_.remove(waiter);
  waiter.queue_.store_relaxed(nullptr);
  count_.store_relaxed(count_.load_relaxed() - 1);
}

void WaitQueue::release_waiters() {
  if (!has_waiters()) return;
  Guard guard(lock_);
  while (Waiter* waiter = waiters_.pop_front()) waiter->queue_.store_relaxed(nullptr);
  count_.store_relaxed(0);
}

void Waiter::leave() {
  RcuReadGuard reading;
  if (WaitQueue* queue = this->queue()) queue->remove(*this);
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
