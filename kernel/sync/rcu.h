// SPDX-License-Identifier: MIT
// Quiescent-state RCU. A read section is preemption off; idle, user mode and a context switch are
// quiescent. What lock-free readers see dies through retire(): its destructor runs after every CPU
// has passed a quiescent state, in the RCU thread (it may sleep there).
#pragma once

#include "sync/preempt.h"

namespace kernel {

class RcuHead {
 public:
  RcuHead* next = nullptr;
  void (*reclaim)(RcuHead*) = nullptr;
};

// `reclaim` runs later, once, in thread context. Any context, but not under a run queue's lock (it
// may wake the RCU thread).
void retire(RcuHead& head, void (*reclaim)(RcuHead*));

// For T derived from RcuHead.
template <class T>
void retire_object(T* object) {
  retire(*object, [](RcuHead* head) { delete static_cast<T*>(head); });
}

// Sleeps until every reader that is active now has finished. May not be called with locks held.
void synchronize_rcu();
// Sleeps until everything retired before now is reclaimed (drop_caches, leak tests).
void rcu_barrier();

// Scheduler: this CPU has passed a quiescent state, that is, runs no reader: at each context
// switch, and in an interrupt whose interrupted thread was preemptible (user mode included).
// Preemption off.
void rcu_quiescent();
// Idle CPUs are quiescent without being asked: enter before waiting for an interrupt, exit before
// any handler or thread runs. Masked. A secondary CPU is born idle; its first act is
// rcu_exit_idle().
void rcu_enter_idle();
void rcu_exit_idle();

class RcuReadGuard : public Pinned {
 public:
  RcuReadGuard() { preempt_disable(); }
  ~RcuReadGuard() { preempt_enable(); }
};

// A pointer that readers load without a lock. Writers hold the structure's lock.
template <class T>
class RcuPointer {
 public:
  constexpr RcuPointer() = default;
  explicit RcuPointer(T* pointer) : pointer_(pointer) {}
  T* read() const { return pointer_.load_acquire(); }
  void publish(T* pointer) { pointer_.store_release(pointer); }

 private:
  Atomic<T*> pointer_;
};

// The mechanism, for the RCU thread (sched/rcu_thread.cc).
namespace rcu {

void mark_offline(unsigned cpu);  // before the CPU starts; counts as idle

// Called with the first retire() of a batch, and in a hurry when the batch has grown large. Must be
// safe wherever retire() is.
void set_waker(void (*wake)(bool hurry));
// What was retired does not wait for more: memory is short. Where retire() may be called.
void hurry();
// Everything retired so far, oldest first on each CPU; null: nothing. Resets the waker.
RcuHead* take_retired();
// Runs the callbacks of such a list; returns how many. Thread context.
size_t reclaim(RcuHead* list);

// Grace periods are numbered from 1 and driven by one thread at a time.
uint64_t begin_grace_period();
// Whether every CPU has been quiescent since it began. If so, it is complete.
bool grace_period_over();
// CPUs that it still waits for (bit per CPU); who needs it soon interrupts them.
uint64_t holdouts();
// The latest number begun and completed. A reader active now is gone when begun() + 1 is completed.
uint64_t begun();
uint64_t completed();

}  // namespace rcu

}  // namespace kernel
