// SPDX-License-Identifier: MIT
// Deferred work: what an interrupt or a lock holder may not do itself runs in a kernel thread,
// where it may sleep. One thread serves all: work that sleeps for long belongs in a thread of its
// own.
#pragma once

#include "lib/list.h"
#include "lib/result.h"
#include "sync/spin_lock.h"

namespace kernel {

class Work : public ListNode<Work> {
 public:
  using Function = void (*)(Work&);
  constexpr explicit Work(Function function) : function_(function) {}

  // Runs the function once, soon, in thread context. Any context. False when it is waiting already.
  // The object must live until then; the function may free it.
  bool schedule();

 private:
  friend class WorkQueue;
  Function function_;
};

namespace sched {
// Boot, once, when threads can run. Before it, work waits.
Result<> start_work_thread();
// Sleeps until all work scheduled before now has run.
void flush_work();
}  // namespace sched

}  // namespace kernel
