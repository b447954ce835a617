// SPDX-License-Identifier: MIT
// Whom kill(2), tkill(2) and rt_sigqueueinfo(2) mean, and whether the sender may.
#pragma once

#include "task/task.h"

namespace kernel {

// kill(2)'s four meanings of `target`. Signal::None only checks. Errors: Srch, Perm.
Result<> send_signal(const Task& sender, PidNumber target, const SignalInfo& info);
Result<> send_signal_to_process(const Task& sender, PidNumber pid, const SignalInfo& info);
Result<> send_signal_to_group(const Task& sender, ThreadGroup& group, const SignalInfo& info);
// tgkill(2); `group` 0: tkill(2).
Result<> send_signal_to_thread(const Task& sender, PidNumber group, PidNumber tid,
                               const SignalInfo& info);

}  // namespace kernel
