// SPDX-License-Identifier: MIT
// Where threads wait for the state of a page to change: a few wait queues, by frame.
#pragma once

#include "lib/types.h"
#include "sched/wait_queue.h"

namespace kernel {

inline WaitQueue& page_waiters(PhysAddr page) {
  constexpr size_t kQueues = 64;
  static constinit WaitQueue queues[kQueues];
  return queues[(raw(page) >> kPageShift) % kQueues];
}

}  // namespace kernel
