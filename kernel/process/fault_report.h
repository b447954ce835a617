// SPDX-License-Identifier: MIT
// One line on the log for a program that an exception of its own ends (EX10).
#pragma once

#include "arch/trap_frame.h"
#include "task/task.h"

namespace kernel {

// Silent for signals that somebody sent, and beyond a few lines a second.
void report_fatal_signal(Task& task, const arch::TrapFrame& frame, const SignalInfo& info);

}  // namespace kernel
