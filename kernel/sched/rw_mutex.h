// SPDX-License-Identifier: MIT
// RwMutex<rank>: many readers or one writer; may sleep; thread context only. Guard takes it as
// writer, ReadGuard as reader. A waiting writer keeps new readers out, so a thread must not
// read-lock twice. Fast paths: one compare-exchange.
#pragma once

#include "sched/mutex.h"
#include "sched/wait_queue.h"

namespace kernel {

// The rank-free body. The word: bit 0 a writer holds it, bit 1 a writer waits, the rest counts
// readers.
class RwMutexBase : public Pinned {
 public:
  // Both tell whether they had to wait, if only for another reader to have come in.
  bool acquire_shared() {
    uint64_t state = state_.load_relaxed();
    if ((state & (kWriter | kWriterWaits)) == 0 &&
        state_.compare_exchange_acq_rel(state, state + kReader))
      return false;
    acquire_shared_slow();
    return true;
  }
  void release_shared() {
    uint64_t left = state_.fetch_sub_acq_rel(kReader) - kReader;
    if (left == kWriterWaits) [[unlikely]]
      waiters_.wake_all();
  }
  bool acquire() {
    uint64_t state = 0;
    if (state_.compare_exchange_acq_rel(state, kWriter)) return false;
    acquire_slow();
    return true;
  }
  void release() {
    state_.fetch_and_acq_rel(~kWriter);
    waiters_.wake_all();
  }
  // False also when a writer waits.
  bool try_acquire_shared();
  bool is_write_locked() const { return (state_.load_relaxed() & kWriter) != 0; }

 private:
  static constexpr uint64_t kWriter = 1, kWriterWaits = 2, kReader = 4;

  bool try_acquire_or_announce();
  void acquire_shared_slow();
  void acquire_slow();

  Atomic<uint64_t> state_;
  WaitQueue waiters_;
};

template <class Lock>
class ReadGuard;
template <class Lock>
class TryReadGuard;

template <LockRank rank>
class CAPABILITY("rw mutex") RwMutex : public Pinned {
  static_assert(rank < kFirstSpinRank, "a spin lock's rank");

 public:
  constexpr RwMutex() = default;

 private:
  friend class Guard<RwMutex>;
  friend class ReadGuard<RwMutex>;
  friend class TryReadGuard<RwMutex>;

  struct State {};
  State lock(unsigned subclass) {
    lockdep::acquire(this, rank, subclass, false);
    lock_counters::note(rank, body_.acquire());
    return {};
  }
  void unlock(State) {
    body_.release();
    lockdep::release(this);
  }
  void lock_shared() {
    lockdep::acquire(this, rank, 0, false);
    lock_counters::note(rank, body_.acquire_shared());
  }
  bool try_lock_shared() {
    if (!body_.try_acquire_shared()) return false;
    lockdep::acquire(this, rank, 255, false);
    return true;
  }
  void unlock_shared() {
    body_.release_shared();
    lockdep::release(this);
  }

  RwMutexBase body_;
};

template <class Lock>
class SCOPED_CAPABILITY ReadGuard : public Pinned {
 public:
  explicit ReadGuard(Lock& lock) ACQUIRE_SHARED(lock) : lock_(lock) { lock_.lock_shared(); }
  ~ReadGuard() RELEASE() { lock_.unlock_shared(); }

 private:
  Lock& lock_;
};
template <class Lock>
ReadGuard(Lock&) -> ReadGuard<Lock>;

// As TryGuard: `if (TryReadGuard guard(lock); guard.locked())`. Not analysed by the compiler.
template <class Lock>
class TryReadGuard : public Pinned {
 public:
  explicit TryReadGuard(Lock& lock) : lock_(lock), locked_(lock.try_lock_shared()) {}
  ~TryReadGuard() {
    if (locked_) lock_.unlock_shared();
  }
  bool locked() const { return locked_; }

 private:
  Lock& lock_;
  bool locked_;
};

}  // namespace kernel
