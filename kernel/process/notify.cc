// SPDX-License-Identifier: MIT
// See notify.h.

#include "process/notify.h"

#include "task/signal_post.h"

namespace kernel {
namespace {

SignalInfo about(ThreadGroup& child, Signal signal) REQUIRES(task::tree_lock) {
  ResourceUsage usage = task::usage_of_locked(child);
  return SignalInfo{.signal = signal,
                    .pid = child.pid(),
                    .uid = child.leader->credentials().uid,
                    .user_time = usage.user_time_ns / kNanosPerClockTick,
                    .system_time = usage.system_time_ns / kNanosPerClockTick};
}

}  // namespace

ChildStatus child_status(int32_t exit_code) {
  if ((exit_code & 0x7f) == 0) return {kCldExited, exit_code >> 8 & 0xff};
  return {(exit_code & 0x80) != 0 ? kCldDumped : kCldKilled, exit_code & 0x7f};
}

bool notify_parent_of_exit(ThreadGroup& child) {
  ThreadGroup& parent = *child.parent;
  Signal signal = child.exit_signal;
  // A parent that has become another program since does not expect a signal of its predecessor's
  // choice.
  if (signal != Signal::None && child.parent_exec_count != parent.exec_count) signal = Signal::Chld;
  bool reap = false;
  if (signal == Signal::Chld) {
    SignalAction action = signal_action(parent, Signal::Chld);
    bool ignored = action.handler == kHandlerIgnore;
    reap = ignored || (action.flags & kSaNoCldWait) != 0;
    if (ignored) signal = Signal::None;
  }
  if (is_valid_signal(static_cast<int64_t>(signal))) {
    SignalInfo info = about(child, signal);
    ChildStatus status = child_status(child.exit_code);
    info.code = status.code;
    info.status = status.status;
    ignore(post_signal(parent, info));  // without quota the parent still finds out by wait
  }
  parent.child_changed.wake_all();
  return reap;
}

void notify_parent_of_job_change(ThreadGroup& child, JobChange change) {
  Guard guard(task::tree_lock);
  if (child.parent == nullptr || child.leader == nullptr) return;
  ThreadGroup& parent = *child.parent;
  SignalAction action = signal_action(parent, Signal::Chld);
  if (action.handler != kHandlerIgnore && (action.flags & kSaNoCldStop) == 0) {
    SignalInfo info = about(child, Signal::Chld);
    bool stopped = change == JobChange::Stopped;
    info.code = stopped ? kCldStopped : kCldContinued;
    info.status = static_cast<int32_t>(stopped ? child.stop_signal : Signal::Cont);
    ignore(post_signal(parent, info));
  }
  parent.child_changed.wake_all();
}

void hang_up_if_orphaned(ThreadGroup& group, ThreadGroup* lost_parent) {
  ThreadGroup* parent = lost_parent != nullptr ? lost_parent : group.parent;
  const ThreadGroup* ignored = lost_parent != nullptr ? nullptr : &group;
  if (parent == nullptr || parent->process_group == group.process_group ||
      parent->session != group.session)
    return;
  Pid& process_group = *group.process_group;
  if (!ProcessTree::is_orphaned(process_group, ignored) ||
      !ProcessTree::has_stopped_member(process_group))
    return;
  post_signal_to_group_locked(process_group, kernel_signal(Signal::Hup));
  post_signal_to_group_locked(process_group, kernel_signal(Signal::Cont));
}

}  // namespace kernel
