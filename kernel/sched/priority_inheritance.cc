// SPDX-License-Identifier: MIT
// See priority_inheritance.h.
#include "sched/priority_inheritance.h"

#include "sched/cpu_state.h"

namespace kernel {
namespace {

constexpr unsigned kLongestChain = 1024;

// Threads of the fair class wait in the order in which they came, as on Linux.
unsigned urgency_of(const SchedParameters& parameters) {
  return parameters.is_realtime() ? parameters.rt_priority : 0;
}

}  // namespace

constinit SpinLock<LockRank::Inheritance> PriorityInheritance::lock;

void PriorityInheritance::enqueue(LockWaiter& waiter) {
  List<LockWaiter>& waiters = waiter.lock->waiters_;
  unsigned urgency = urgency_of(Scheduler::effective_parameters(waiter.blocked));
  LockWaiter* behind = waiters.back();
  while (behind != nullptr &&
         urgency_of(Scheduler::effective_parameters(behind->blocked)) < urgency)
    behind = waiters.previous(*behind);
  if (behind != nullptr) {
    waiters.insert_after(*behind, waiter);
  } else {
    waiters.push_front(waiter);
  }
}

// The thread's donors have changed: it, and whoever it waits for, may run differently.
void PriorityInheritance::propagate(Thread* thread) {
  for (unsigned length = 0; thread != nullptr && length < kLongestChain; ++length) {
    std::optional<SchedParameters> donated;
    for (InheritingLock& owned : thread->inheriting_locks) {
      LockWaiter* first = owned.first();
      if (first == nullptr) continue;
      SchedParameters offered = Scheduler::effective_parameters(first->blocked);
      donated = donated ? donated->inheriting(offered) : offered;
    }
    if (!Scheduler::set_donated(*thread, donated)) return;
    LockWaiter* waiter = thread->waits_for;
    if (waiter == nullptr) return;
    waiter->lock->waiters_.remove(*waiter);
    enqueue(*waiter);
    thread = waiter->lock->owner_;
  }
}

Result<> PriorityInheritance::block(LockWaiter& waiter, InheritingLock& on) {
  unsigned length = 0;
  for (Thread* at = on.owner_; at != nullptr;) {
    if (at == &waiter.blocked || ++length > kLongestChain) return Errno::DeadLk;
    at = at->waits_for == nullptr ? nullptr : at->waits_for->lock->owner_;
  }
  waiter.lock = &on;
  waiter.blocked.waits_for = &waiter;
  enqueue(waiter);
  propagate(on.owner_);
  return {};
}

void PriorityInheritance::unblock(LockWaiter& waiter) {
  InheritingLock& from = *waiter.lock;
  from.waiters_.remove(waiter);
  waiter.lock = nullptr;
  waiter.blocked.waits_for = nullptr;
  propagate(from.owner_);
}

void PriorityInheritance::change_owner(InheritingLock& of, Thread* owner) {
  Thread* before = of.owner_;
  if (before != nullptr) before->inheriting_locks.remove(of);
  of.owner_ = owner;
  if (owner != nullptr) owner->inheriting_locks.push_back(of);
  propagate(before);
  propagate(owner);
}

void PriorityInheritance::parameters_changed(Thread& thread) {
  Guard guard(lock);
  LockWaiter* waiter = thread.waits_for;
  if (waiter == nullptr) return;
  waiter->lock->waiters_.remove(*waiter);
  enqueue(*waiter);
  propagate(waiter->lock->owner_);
}

}  // namespace kernel
