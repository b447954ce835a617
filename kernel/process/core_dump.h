// SPDX-License-Identifier: MIT
// Core files (core(5)): when a signal's default action says so, the process's memory and its
// threads' registers are written to a file before it ends. All other threads stop first, in their
// exit, with their registers as they were in user mode.
#pragma once

#include "task/task.h"

namespace kernel {

// The threads of a process that is being dumped; its signal lock.
struct CoreDump {
  struct Participant : ListNode<Participant> {
    Task* task;
  };
  List<Participant> stopped;
  unsigned count = 0;
};

// A fatal signal came to the running thread: the process ends with `exit_code`, and this is written
// down where it may be. Own thread, no locks.
void dump_core(Task& task, const SignalInfo& info, int32_t exit_code);
// The first step of a thread's exit.
void stop_for_core_dump(Task& task);

}  // namespace kernel
