// SPDX-License-Identifier: MIT
// The waiting paths of the reader/writer mutex. Fences: a releaser changes the word and then looks
// for waiters (WaitQueue::wake); a waiter is on the queue before it tests the word
// (WaitQueue::wait).

#include "sched/rw_mutex.h"

namespace kernel {

bool RwMutexBase::try_acquire_shared() {
  uint64_t state = state_.load_relaxed();
  while ((state & (kWriter | kWriterWaits)) == 0) {
    if (state_.compare_exchange_acq_rel(state, state + kReader)) return true;
  }
  return false;
}

// Takes the lock when it is free; else leaves the mark that keeps new readers out. The writer that
// gets it clears the mark; others that still wait set it again when they are woken.
bool RwMutexBase::try_acquire_or_announce() {
  uint64_t state = state_.load_relaxed();
  for (;;) {
    bool is_free = (state & ~kWriterWaits) == 0;
    uint64_t wanted = is_free ? kWriter : state | kWriterWaits;
    if (state_.compare_exchange_acq_rel(state, wanted)) return is_free;
  }
}

// Most holders are done within microseconds, sooner than a sleep and a wake-up take.
namespace {
constexpr unsigned kSpins = 300;
}

void RwMutexBase::acquire_shared_slow() {
  for (unsigned i = 0; i < kSpins; ++i) {
    if (try_acquire_shared()) return;
    arch::spin_hint();
  }
  ignore(waiters_.wait([this] { return try_acquire_shared(); }, WaitMode::Uninterruptible));
}

void RwMutexBase::acquire_slow() {
  for (unsigned i = 0; i < kSpins; ++i) {
    if ((state_.load_relaxed() & ~kWriterWaits) == 0 && try_acquire_or_announce()) return;
    arch::spin_hint();
  }
  ignore(waiters_.wait([this] { return try_acquire_or_announce(); }, WaitMode::Uninterruptible));
}

}  // namespace kernel
