// SPDX-License-Identifier: MIT
// Sections in which the running thread keeps its CPU. Nests. Interrupts stay on.
#pragma once

#include "arch/cpu.h"

namespace kernel {

// Called by the last preempt_enable() when a reschedule is due; defined by sched.
void preempt_schedule();

inline void preempt_disable() {
  ThreadBase* thread = arch::current_thread();
  thread->preempt_count = thread->preempt_count + 1;
  asm volatile("" ::: "memory");
}
inline void preempt_enable() {
  asm volatile("" ::: "memory");
  ThreadBase* thread = arch::current_thread();
  thread->preempt_count = thread->preempt_count - 1;
  if (thread->preempt_count == 0 && (thread->work.load_relaxed() & kWorkReschedule) != 0)
    preempt_schedule();
}

// Where interrupts are unmasked: a reschedule may have become due meanwhile.
inline void preempt_if_due() {
  ThreadBase* thread = arch::current_thread();
  if ((thread->work.load_relaxed() & kWorkReschedule) != 0 && thread->preempt_count == 0)
      [[unlikely]]
    preempt_schedule();
}

class PreemptGuard : public Pinned {
 public:
  PreemptGuard() { preempt_disable(); }
  ~PreemptGuard() { preempt_enable(); }
};

}  // namespace kernel
