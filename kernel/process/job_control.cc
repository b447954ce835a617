// SPDX-License-Identifier: MIT
// See job_control.h.

#include "process/job_control.h"

#include "process/notify.h"
#include "sched/scheduler.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

void ask_to_stop(Task& task, ThreadGroup& group) REQUIRES(group.signal_lock) {
  task.stop_pending = task.stop_counted = true;
  ++group.stopping;
}

}  // namespace

bool begin_stop_locked(Task& task, ThreadGroup& group, Signal signal) {
  if (!task.stop_dequeued || group.group_exiting || group.exec_survivor != nullptr) return false;
  task.stop_dequeued = false;
  if (!group.stopped) group.stop_signal = signal;
  group.stopping = 0;
  ask_to_stop(task, group);
  for (Task& other : group.threads) {
    if (&other == &task || other.exiting || other.state() == ThreadState::Stopped) continue;
    ask_to_stop(other, group);
    wake_for_signal(other, WakeFor::Signal);
  }
  return true;
}

bool take_part_in_stop_locked(Task& task, ThreadGroup& group) {
  task.stop_pending = false;
  if (task.stop_counted) {
    task.stop_counted = false;
    if (group.stopping > 0) --group.stopping;
  }
  if (group.stopping > 0 || group.stopped) return false;
  group.stopped = true;
  group.continued = false;
  group.stop_code = stopped_status(group.stop_signal);
  return true;
}

// The state is set under the lock that SIGCONT takes: its wake-up cannot come too early.
void stop_here(Task& task) {
  ThreadGroup& group = task.group();
  bool completed;
  {
    Guard guard(group.signal_lock);
    if (!task.stop_pending || group.group_exiting) return;
    completed = take_part_in_stop_locked(task, group);
    sched::set_state(ThreadState::Stopped);
  }
  if (completed) notify_parent_of_job_change(group, JobChange::Stopped);
  sched::schedule();
}

void join_stop_locked(Task& made, ThreadGroup& group) {
  if (group.stopped) {
    made.stop_pending = true;
  } else if (group.stopping > 0) {
    ask_to_stop(made, group);
  }
  if (made.stop_pending) made.work.fetch_or_relaxed(kWorkSignal);
}

}  // namespace kernel
