// SPDX-License-Identifier: MIT
// One-shot timers on per-CPU queues. A callback runs in interrupt context with no lock held: it
// wakes or records, nothing more; it may re-arm its own timer.
#pragma once

#include "lib/tree.h"
#include "sched/clock.h"
#include "sync/spin_lock.h"

namespace kernel {

class TimerQueue;

class Timer : public TreeNode<Timer> {
 public:
  using Callback = void (*)(Timer&);
  explicit Timer(Callback callback) : callback_(callback) {}
  ~Timer() { cancel_and_wait(); }

  // Arms or moves; kForever: as cancel(). It will fire on this CPU. Any context.
  void arm(Deadline deadline);
  // Takes it off the queue. True when it had not fired. Does not wait for a running callback.
  bool cancel();
  // As cancel(), and afterwards the callback is not running anywhere. Thread context, not from a
  // callback, without locks that the callback takes.
  bool cancel_and_wait();
  bool is_armed() const;
  // Of the last arm(); the caller serialises with arm().
  Deadline deadline() const { return deadline_; }

 private:
  friend class TimerQueue;
  Callback callback_;
  Deadline deadline_;          // guarded by the queue's lock
  Atomic<uint32_t> queue_;     // CPU number + 1 of the queue it belongs to; 0: never armed
};

namespace timers {
// The timer device's driver: programs this CPU's next event (absolute monotonic ns; kForever: none;
// a time in the past: at once). Masked.
class EventDevice {
 public:
  virtual void init_this_cpu() = 0;
  virtual void program(Nanoseconds deadline) = 0;

 protected:
  ~EventDevice() = default;
};
// By the driver, on the boot CPU; and by each secondary when it starts.
void set_event_device(EventDevice& device);
void init_this_cpu();
// Called by that driver's interrupt handler: runs what is due and programs the next event. Masked.
void handle_expiry();
// Scheduler: when this CPU's tick is due; kForever: never. Masked.
void set_tick(Nanoseconds deadline);
}  // namespace timers

}  // namespace kernel
