// SPDX-License-Identifier: MIT
// Sleeping until another thread says so, for those who keep their own queues (futexes, IPC), with
// an end on either clock.
#pragma once

#include "sched/wait_queue.h"

namespace kernel {

// When a wait ends: on the monotonic clock, or on the wall clock, which may be set meanwhile.
struct Until {
  Deadline deadline;
  bool wall_clock = false;

  // As of now.
  Deadline monotonic() const {
    if (!wall_clock || deadline.at == kForever) return deadline;
    Nanoseconds offset = clock::realtime_offset();
    return {deadline.at > offset ? deadline.at - offset : 0};
  }
};

namespace sched {

// Until woken(), a signal comes (RestartSys) or the time is over (TimedOut).
template <class Woken>
Result<> sleep_on_one_clock(Woken woken, const Until& until) {
  Result<> result;
  for (;;) {
    set_state(ThreadState::Interruptible);
    if (woken()) break;
    if (signal_pending()) {
      result = Errno::RestartSys;
      break;
    }
    if (!schedule_until(until.monotonic()) && clock::monotonic() >= until.monotonic().at) {
      if (!woken()) result = Errno::TimedOut;
      break;
    }
  }
  set_state(ThreadState::Runnable);
  return result;
}

// The same; setting the wall clock wakes the sleeper, which looks at it again.
template <class Woken>
Result<> sleep_until_woken(Woken woken, const Until& until) {
  if (!until.wall_clock) return sleep_on_one_clock(woken, until);
  ThreadWaiter clock_change;
  clock::realtime_waiters().add(clock_change);
  Result<> result = sleep_on_one_clock(woken, until);
  clock::realtime_waiters().remove(clock_change);
  return result;
}

}  // namespace sched

// One thread that sleeps until another one says how its wait ended. It stands in a queue of the
// object that it waits for, on its own stack; queue and result change under the object's lock,
// which the sleeper takes once more before it goes away: by then whoever woke it is done with it.
class Sleeper {
 public:
  // The object's lock is held.
  void wake() {
    woken_.store_release(true);
    thread_.wake();
  }
  bool is_woken() const { return woken_.load_acquire(); }
  void sleep_again() { woken_.store_relaxed(false); }
  Thread& thread() const { return thread_; }

  // Until it is woken. No lock held. Errors: RestartSys when a signal came, TimedOut.
  Result<> sleep(const Until& until = {}) {
    return sched::sleep_until_woken([this] { return is_woken(); }, until);
  }

 private:
  Thread& thread_ = current();
  Atomic<bool> woken_;
};

}  // namespace kernel
