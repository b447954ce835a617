// SPDX-License-Identifier: MIT
// One thread that sleeps until another one says how its wait ended. It stands in a queue of the
// object that it waits for, on its own stack; queue and result change under the object's lock,
// which the sleeper takes once more before it goes away: by then whoever woke it is done with it.
#pragma once

#include "sched/scheduler.h"

namespace kernel::ipc {

class Sleeper {
 public:
  // The object's lock is held.
  void wake() {
    woken_.store_release(true);
    thread_.wake();
  }
  bool is_woken() const { return woken_.load_acquire(); }
  void sleep_again() { woken_.store_relaxed(false); }

  // Until it is woken. No lock held. Errors: Intr when a signal came, TimedOut.
  Result<> sleep(Deadline deadline = {}) {
    Result<> result;
    for (;;) {
      sched::set_state(ThreadState::Interruptible);
      if (is_woken()) break;
      if (sched::signal_pending()) {
        result = Errno::Intr;
        break;
      }
      if (!sched::schedule_until(deadline)) {
        if (!is_woken()) result = Errno::TimedOut;
        break;
      }
    }
    sched::set_state(ThreadState::Runnable);
    return result;
  }

 private:
  Thread& thread_ = current();
  Atomic<bool> woken_;
};

}  // namespace kernel::ipc
