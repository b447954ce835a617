// SPDX-License-Identifier: MIT
// A one-time event that threads wait for: vfork, module start-up, a device's answer.
#pragma once

#include "sched/wait_queue.h"

namespace kernel {

class Completion : public Pinned {
 public:
  // The waiter may destroy the completion as soon as its wait() returns.
  void complete() { waiters_.set_and_wake_all(done_); }
  bool is_done() const { return done_.load_acquire(); }
  Result<> wait(WaitMode mode = WaitMode::Uninterruptible, Deadline deadline = {}) {
    Result<> result = waiters_.wait([this] { return is_done(); }, mode, deadline);
    waiters_.settle();
    return result;
  }

 private:
  Atomic<bool> done_;
  WaitQueue waiters_;
};

}  // namespace kernel
