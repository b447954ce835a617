// SPDX-License-Identifier: MIT
// A one-time event that threads wait for: vfork, module start-up, a device's answer.
#pragma once

#include "sched/wait_queue.h"

namespace kernel {

class Completion : public Pinned {
 public:
  void complete() {
    done_.store_release(true);
    waiters_.wake_all();
  }
  bool is_done() const { return done_.load_acquire(); }
  Result<> wait(WaitMode mode = WaitMode::Uninterruptible, Deadline deadline = {}) {
    return waiters_.wait([this] { return is_done(); }, mode, deadline);
  }

 private:
  Atomic<bool> done_;
  WaitQueue waiters_;
};

}  // namespace kernel
