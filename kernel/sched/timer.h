// SPDX-License-Identifier: MIT
// One-shot timers on per-CPU queues. A callback runs in interrupt context with no lock held: it wakes
// or records, nothing more; it may re-arm its own timer.
#pragma once

#include "lib/tree.h"
#include "sched/clock.h"
#include "sync/spin_lock.h"

namespace kernel {

class Timer : public TreeNode<Timer> {
 public:
  using Callback = void (*)(Timer&);
  explicit Timer(Callback callback) : callback_(callback) {}
  ~Timer();  // cancels and waits

  // Arms or moves. Any context.
  void arm(Deadline deadline);
  // Takes it off the queue. True when it had not fired. Does not wait for a running callback.
  bool cancel();
  // As cancel(), and afterwards the callback is not running anywhere. Thread context, not from a
  // callback, without locks that the callback takes.
  bool cancel_and_wait();
  bool is_armed() const;
  Deadline deadline() const { return deadline_; }

 private:
  friend class TimerQueue;
  Callback callback_;
  Deadline deadline_;
  Atomic<uint32_t> state_;
  Atomic<uint32_t> cpu_;
};

namespace timers {
// The timer device's driver: programs this CPU's next event (absolute monotonic ns; kForever: none).
class EventDevice {
 public:
  virtual void init_this_cpu() = 0;
  virtual void program(Nanoseconds deadline) = 0;

 protected:
  ~EventDevice() = default;
};
void set_event_device(EventDevice& device);
// Called by that driver's interrupt handler: runs what is due and programs the next event. Masked.
void handle_expiry();
}  // namespace timers

}  // namespace kernel
