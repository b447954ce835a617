// SPDX-License-Identifier: MIT
// The one way to wait, under futexes, poll, pipes, terminals, children and timers. A waiter is on
// the queue before it tests its condition, so that no wake-up is lost.
#pragma once

#include "lib/list.h"
#include "sched/scheduler.h"

namespace kernel {

class WaitQueue;

enum class WaitMode : uint8_t { Interruptible, Killable, Uninterruptible };

// An entry of a queue. on_wake runs under the queue's lock, in any context: it wakes a thread or
// marks something ready. Returns whether it consumed an exclusive wake-up. `events`: poll bits or 0
// = all.
class Waiter : public ListNode<Waiter> {
 public:
  using OnWake = bool (*)(Waiter& waiter, uint32_t events);
  explicit Waiter(OnWake on_wake, bool exclusive = false)
      : on_wake_(on_wake), exclusive_(exclusive) {}
  ~Waiter() { DCHECK(queue() == nullptr); }
  WaitQueue* queue() const { return queue_.load_relaxed(); }
  // Off the queue, if it is on one, whose owner may end it meanwhile with release_waiters().
  void leave();

 private:
  friend class WaitQueue;
  OnWake on_wake_;
  Atomic<WaitQueue*> queue_;  // changes under that queue's lock
  bool exclusive_;
};

// Wakes the thread that made it. Stays on the queue until its owner removes it.
class ThreadWaiter : public Waiter {
 public:
  explicit ThreadWaiter(bool exclusive = false)
      : Waiter(wake_thread, exclusive), thread_(&current()) {}

 private:
  static bool wake_thread(Waiter& waiter, uint32_t events);
  Thread* thread_;
};

class WaitQueue : public Pinned {
 public:
  constexpr WaitQueue() = default;
  ~WaitQueue() { DCHECK(waiters_.empty()); }

  // Wakes all waiters that are not exclusive and up to `exclusive_count` that are. Any context. The
  // caller has changed the condition before. Cheap when nobody waits (one fence, one load).
  void wake(size_t exclusive_count = 1, uint32_t events = 0);
  void wake_all(uint32_t events = 0) { wake(~size_t{0}, events); }

  // For conditions whose waiter destroys the queue: sets the flag and wakes under the lock; the
  // waiter calls settle() before it goes on, and then nobody is inside any more.
  void set_and_wake_all(Atomic<bool>& flag);
  void settle() const { Guard guard(lock_); }

  void add(Waiter& waiter);     // exclusive waiters at the end, others in front
  void remove(Waiter& waiter);  // fine when it is not on a queue any more
  bool has_waiters() const;
  // All waiters are off it, and nobody will add one: the queue ends before its waiters do. Its
  // memory waits for RCU readers, for those who leave() at the same time.
  void release_waiters();

  // Sleeps until ready() is true. Errors: RestartSys when a signal ended it (Interruptible: any;
  // Killable: a fatal one), TimedOut. ready() runs without locks, and is tested first and last.
  template <class Ready>
  Result<> wait(Ready ready, WaitMode mode = WaitMode::Interruptible, Deadline deadline = {},
                bool exclusive = false) {
    if (ready()) return {};
    lockdep::assert_may_sleep();
    ThreadWaiter waiter(exclusive);
    add(waiter);
    Result<> result;
    for (;;) {
      sched::set_state(sleep_state(mode));
      if (ready()) break;
      if (interrupted(mode)) {
        result = Errno::RestartSys;
        break;
      }
      if (!sched::schedule_until(deadline)) {
        if (!ready()) result = Errno::TimedOut;
        break;
      }
    }
    sched::set_state(ThreadState::Runnable);
    remove(waiter);
    return result;
  }

  static ThreadState sleep_state(WaitMode mode);
  static bool interrupted(WaitMode mode);

 private:
  void wake_locked(size_t exclusive_count, uint32_t events) REQUIRES(lock_);

  mutable SpinLock<LockRank::WaitQueue> lock_;
  List<Waiter> waiters_ GUARDED_BY(lock_);
  Atomic<uint32_t> count_;  // of waiters_: lets wake() see without the lock that nobody waits
};

}  // namespace kernel
