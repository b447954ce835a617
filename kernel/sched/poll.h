// SPDX-License-Identifier: MIT
// Readiness: the event bits of poll(2) and how a device or file tells where to wait for them.
#pragma once

#include "sched/wait_queue.h"

namespace kernel {

inline constexpr uint32_t kPollIn = 0x1, kPollPri = 0x2, kPollOut = 0x4, kPollErr = 0x8,
                          kPollHup = 0x10, kPollNval = 0x20, kPollRdNorm = 0x40, kPollRdBand = 0x80,
                          kPollWrNorm = 0x100, kPollWrBand = 0x200, kPollMsg = 0x400,
                          kPollRdHup = 0x2000;
// What a file says that has nothing to wait for: always ready, and epoll(7) refuses it. Not an
// event.
inline constexpr uint32_t kPollUnsupported = 0x8000'0000;

// Handed to poll functions; null there means "only tell the present state".
class PollRegistration {
 public:
  // Once per queue whose wake-up may change the answer. The queue outlives the file.
  virtual void wait_on(WaitQueue& queue) = 0;

 protected:
  ~PollRegistration() = default;
};

}  // namespace kernel
