// SPDX-License-Identifier: MIT
// wait4(2), waitid(2): news of children.
#pragma once

#include <optional>

#include "task/task.h"

namespace kernel {

enum WaitOptions : uint32_t {
  kWaitNoHang = 1, kWaitStopped = 2, kWaitExited = 4, kWaitContinued = 8, kWaitNoWait = 0x01000000,
  kWaitNoThread = 0x20000000, kWaitAll = 0x40000000, kWaitClone = 0x80000000,
};

struct WaitRequest {
  enum class Which : uint8_t { Any, Process, Group } which = Which::Any;
  Optional<Ref<Pid>> pid;  // empty for Process and Group: nobody has the number
  uint32_t options = 0;
};

struct WaitNews {
  PidNumber pid;
  Uid uid;
  int32_t code;         // CLD_*
  int32_t status;       // si_status
  int32_t status_word;  // wait4's
  ResourceUsage usage;
};

// Nothing: no news, with kWaitNoHang. Errors: Child, RestartSys.
Result<std::optional<WaitNews>> wait_for_child(Task& task, const WaitRequest& request);

}  // namespace kernel
