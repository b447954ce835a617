// SPDX-License-Identifier: MIT
// Sending signals. Any thread context and timer callbacks; takes the signal lock of the target.
#pragma once

#include "task/task.h"

namespace kernel {

// To a process: any thread that does not block it. To one thread. Without permission check.
// Errors: Again when a queued (not kill-like) real-time signal exceeds RLIMIT_SIGPENDING.
Result<> post_signal(ThreadGroup& group, const SignalInfo& info);
Result<> post_signal_to_task(Task& task, const SignalInfo& info);
// For faults: cannot be blocked or ignored; a blocked or ignored one kills (force_sig).
void force_signal(Task& task, const SignalInfo& info);
// Every member of a process group; true when there was one. Terminals and kill(-pgrp).
bool post_signal_to_group(Pid& process_group, const SignalInfo& info);
// SIGINT from a terminal and the like: SI_KERNEL.
SignalInfo kernel_signal(Signal signal);

// kill(2)'s permission rule, SIGCONT within the session included.
bool may_signal(const Task& sender, Task& target, Signal signal);

}  // namespace kernel
