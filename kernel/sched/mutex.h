// SPDX-License-Identifier: MIT
// Mutex<rank>: may sleep; thread context only. Taken through Guard (sync/spin_lock.h). Its holder
// may allocate. Fast path: one compare-exchange. No priority inheritance.
#pragma once

#include "lib/list.h"
#include "sched/scheduler.h"

namespace kernel {

struct MutexWaiter : ListNode<MutexWaiter> {
  explicit MutexWaiter(Thread& waiting) : thread(waiting) {}
  Thread& thread;
};

// The rank-free body (mutex.cc).
class MutexBase : public Pinned {
 public:
  bool acquire();  // whether it had to wait
  bool try_acquire();
  void release();
  bool is_held_by_current() const;

 private:
  void acquire_slow();
  void release_slow();
  bool try_take(bool woken);
  Atomic<uint64_t> owner_;
  SpinLock<LockRank::WaitQueue> lock_;
  List<MutexWaiter> waiters_ GUARDED_BY(lock_);
};

template <LockRank rank>
class CAPABILITY("mutex") Mutex : public Pinned {
  static_assert(rank < kFirstSpinRank, "a spin lock's rank");

 public:
  constexpr Mutex() = default;
  // For functions that a lock holder calls through an interface that the analysis cannot follow.
  void assert_held() const ASSERT_CAPABILITY(this) { DCHECK(body_.is_held_by_current()); }

 private:
  friend class Guard<Mutex>;
  friend class Guard2<Mutex>;
  friend class TryGuard<Mutex>;

  struct State {};
  [[gnu::always_inline]] State lock(unsigned subclass) {
    lockdep::acquire(this, rank, subclass, false);
    lock_counters::note(rank, body_.acquire());
    return {};
  }
  bool try_lock(State&) {
    if (!body_.try_acquire()) return false;
    lockdep::acquire(this, rank, lockdep::kTrySubclass, false);
    return true;
  }
  void unlock(State) {
    body_.release();
    lockdep::release(this);
  }

  MutexBase body_;
};

}  // namespace kernel
