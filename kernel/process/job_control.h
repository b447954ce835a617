// SPDX-License-Identifier: MIT
// Group stops: how a stop signal brings every thread of a process to rest (signal(7), "Stop").
#pragma once

#include "task/task.h"

namespace kernel {

// A stop signal with its default action was taken by `task`: all threads are to stop. False when
// SIGCONT or death came in between.
bool begin_stop_locked(Task& task, ThreadGroup& group, Signal signal) REQUIRES(group.signal_lock);
// `task` stops, or ends while it should. True when it was the last one: the parent is to be told.
bool take_part_in_stop_locked(Task& task, ThreadGroup& group) REQUIRES(group.signal_lock);
// Called with task.stop_pending set: sleeps until SIGCONT or SIGKILL.
void stop_here(Task& task);
// A thread made while its group stops.
void join_stop_locked(Task& made, ThreadGroup& group) REQUIRES(group.signal_lock);

}  // namespace kernel
