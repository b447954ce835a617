// SPDX-License-Identifier: MIT
// Priority inheritance: the owner of a lock runs at least as urgently as the first of those who
// wait for it, and so does the owner of the lock that this owner waits for. The locks themselves
// are somebody else's (vm/futex_pi.cc); here is who waits for whom.
#pragma once

#include "sched/thread.h"

namespace kernel {

class InheritingLock;

// A thread that waits; it has at most one.
struct LockWaiter : ListNode<LockWaiter> {
  explicit LockWaiter(Thread& thread) : blocked(thread) {}
  Thread& blocked;
  InheritingLock* lock = nullptr;  // while it stands in its list
};

class InheritingLock : public ListNode<InheritingLock> {
 public:
  Thread* owner() const { return owner_; }
  LockWaiter* first() { return waiters_.front(); }

 private:
  friend class PriorityInheritance;
  Thread* owner_ = nullptr;
  List<LockWaiter> waiters_;  // the most urgent first; of equals the one that came first
};

class PriorityInheritance {
 public:
  // Guards all of it: chains go from lock to lock and must not change while they are walked.
  static SpinLock<LockRank::Inheritance> lock;

  // The thread waits from now on. Error: DeadLk: it would wait for itself, or the chain is too
  // long.
  static Result<> block(LockWaiter& waiter, InheritingLock& on) REQUIRES(lock);
  static void unblock(LockWaiter& waiter) REQUIRES(lock);
  static void change_owner(InheritingLock& of, Thread* owner) REQUIRES(lock);
  // The thread's own parameters have changed.
  static void parameters_changed(Thread& thread) EXCLUDES(lock);

 private:
  static void enqueue(LockWaiter& waiter);
  static void propagate(Thread* thread);
};

}  // namespace kernel
