// SPDX-License-Identifier: MIT
// SpinLock<rank>: masks interrupts on its CPU, which keeps the thread there as well; never sleeps,
// short sections. A fair ticket lock in one word (KB14: no separate holder that could disagree).
// Taken through Guard only.
#pragma once

#include "arch/irq_state.h"
#include "sync/annotations.h"
#include "sync/lock_counters.h"
#include "sync/preempt.h"

namespace kernel {

template <class Lock>
class Guard;
template <class Lock>
class Guard2;
template <class Lock>
class TryGuard;

class CAPABILITY("spin lock") TicketLock : public Pinned {
 public:
  // Whether it had to wait.
  bool acquire() {
    uint32_t ticket = next_.fetch_add_relaxed(1);
    if (owner_.load_acquire() == ticket) [[likely]] return false;
    while (owner_.load_acquire() != ticket) arch::spin_hint();
    return true;
  }
  bool try_acquire() {
    uint32_t owner = owner_.load_relaxed();
    uint32_t expected = owner;
    return next_.compare_exchange_acq_rel(expected, owner + 1);
  }
  void release() { owner_.store_release(owner_.load_relaxed() + 1); }
  bool is_held() const { return next_.load_relaxed() != owner_.load_relaxed(); }

 private:
  Atomic<uint32_t> next_;
  Atomic<uint32_t> owner_;
};

template <LockRank rank>
class CAPABILITY("spin lock") SpinLock : public Pinned {
  static_assert(rank >= kFirstSpinRank, "a sleeping lock's rank");

 public:
  constexpr SpinLock() = default;

 private:
  friend class Guard<SpinLock>;
  friend class Guard2<SpinLock>;
  friend class TryGuard<SpinLock>;
  friend class SchedulerLockAccess;  // hands the run queue lock over a context switch

  using State = arch::IrqState;
  // Inline down to the critical section's function, which the lock order report then names.
  [[gnu::always_inline]] State lock(unsigned subclass) {
    State state = arch::disable_interrupts();
    lockdep::acquire(this, rank, subclass, true);
    lock_counters::note(rank, ticket_.acquire());
    return state;
  }
  bool try_lock(State& state) {
    state = arch::disable_interrupts();
    if (ticket_.try_acquire()) {
      lockdep::acquire(this, rank, lockdep::kTrySubclass, true);
      return true;
    }
    arch::restore_interrupts(state);
    return false;
  }
  void unlock(State state) {
    ticket_.release();
    lockdep::release(this);
    arch::restore_interrupts(state);
    preempt_if_due();
  }

  TicketLock ticket_;
};

// The critical section: a block with a Guard at its top. Works for SpinLock and Mutex.
template <class Lock>
class SCOPED_CAPABILITY Guard : public Pinned {
 public:
  [[gnu::always_inline]] explicit Guard(Lock& lock, unsigned subclass = 0) ACQUIRE(lock)
      : lock_(lock), state_(lock.lock(subclass)) {}
  ~Guard() RELEASE() { lock_.unlock(state_); }

 private:
  Lock& lock_;
  typename Lock::State state_;
};
template <class Lock>
Guard(Lock&) -> Guard<Lock>;
template <class Lock>
Guard(Lock&, unsigned) -> Guard<Lock>;

// Two unrelated locks of one rank, ordered by address. The same lock twice is taken once.
template <class Lock>
class SCOPED_CAPABILITY Guard2 : public Pinned {
 public:
  Guard2(Lock& a, Lock& b) ACQUIRE(a, b)
      : first_(&a < &b ? a : b), second_(&a < &b ? b : a), first_state_(first_.lock(0)) {
    if (&first_ != &second_) second_state_ = second_.lock(1);
  }
  ~Guard2() RELEASE() {
    if (&first_ != &second_) second_.unlock(second_state_);
    first_.unlock(first_state_);
  }

 private:
  Lock& first_;
  Lock& second_;
  typename Lock::State first_state_;
  typename Lock::State second_state_{};
};

// A try-lock: `if (TryGuard guard(lock); guard.locked())`. Not analysed by the compiler.
template <class Lock>
class TryGuard : public Pinned {
 public:
  explicit TryGuard(Lock& lock) : lock_(lock), locked_(lock.try_lock(state_)) {}
  ~TryGuard() {
    if (locked_) lock_.unlock(state_);
  }
  bool locked() const { return locked_; }

 private:
  Lock& lock_;
  typename Lock::State state_{};
  bool locked_;
};

}  // namespace kernel
