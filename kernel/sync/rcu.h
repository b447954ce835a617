// SPDX-License-Identifier: MIT
// Quiescent-state RCU. A read section is preemption off; idle, user mode and a context switch are
// quiescent. What lock-free readers see dies through retire(): its destructor runs after every CPU has
// passed a quiescent state, in the RCU thread (it may sleep there).
#pragma once

#include "sync/preempt.h"

namespace kernel {

class RcuHead {
 public:
  RcuHead* next = nullptr;
  void (*reclaim)(RcuHead*) = nullptr;
};

// `reclaim` runs later, once, in thread context. Any context.
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
// Scheduler: this CPU has passed a quiescent state (switch, idle, return to user mode at a tick).
void rcu_quiescent();

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

}  // namespace kernel
