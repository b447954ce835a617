// SPDX-License-Identifier: MIT
// See exec_threads.h.

#include "process/exec_threads.h"

#include "process/exit.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

Result<> kill_others(Task& task, ThreadGroup& group) {
  Guard guard(group.signal_lock);
  if (group.group_exiting || group.exec_survivor != nullptr) return Errno::Again;
  group.exec_survivor = &task;
  group.stopping = 0;
  for (Task& other : group.threads) {
    if (&other == &task || other.exiting) continue;
    other.stop_pending = other.stop_counted = other.stop_dequeued = false;
    other.pending.add(Signal::Kill, {});
    wake_for_signal(other, WakeFor::Kill);
  }
  return {};
}

// Only the caller is left, or the caller and a dead leader that keeps its place.
bool others_have_ended(const Task& task, ThreadGroup& group) {
  Guard guard(task::tree_lock);
  unsigned expected = group.leader == &task ? 1 : 2;
  return group.thread_count == expected && (expected == 1 || group.leader_dead);
}

void take_leadership(Task& task, ThreadGroup& group) {
  Reaped reaped;
  Guard tree(task::tree_lock);
  Guard signals(group.signal_lock);
  if (group.leader != &task) {
    task.start_time_ns = group.leader->start_time_ns;
    group.dead_threads.add(task::usage_of(*group.leader));
    reaped.take(ProcessTree::replace_leader(task, group));
  }
  group.exec_survivor = nullptr;
  group.exit_signal = Signal::Chld;
}

}  // namespace

Result<> end_other_threads(Task& task) {
  ThreadGroup& group = task.group();
  TRY(kill_others(task, group));
  Result<> ended = group.threads_changed.wait([&] { return others_have_ended(task, group); },
                                              WaitMode::Killable);
  if (!ended.ok()) {
    Guard guard(group.signal_lock);
    group.exec_survivor = nullptr;
    return Errno::Again;
  }
  take_leadership(task, group);
  return {};
}

}  // namespace kernel
