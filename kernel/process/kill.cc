// SPDX-License-Identifier: MIT
// See kill.h.

#include "process/kill.h"

#include "task/process_tree.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

Result<> send_to_members(const Task& sender, Pid& process_group, const SignalInfo& info) {
  Guard guard(task::tree_lock);
  ProcessTree::note_group_signal(process_group);
  Errno last = Errno::Srch;
  bool delivered = false;
  for (ThreadGroup& group : ProcessTree::members(process_group)) {
    Result<> sent = send_signal_to_group(sender, group, info);
    delivered = delivered || sent.ok();
    if (!sent.ok()) last = sent.error();
  }
  if (delivered) return {};
  return last;
}

// kill(-1): everybody but init and the sender's process.
Result<> send_to_all(const Task& sender, const SignalInfo& info) {
  Guard guard(task::tree_lock);
  ProcessTree::note_broadcast();
  bool any = false;
  Errno error{};
  for (ThreadGroup& group : ProcessTree::all()) {
    if (group.is_init() || &group == &sender.group()) continue;
    any = true;
    Result<> sent = send_signal_to_group(sender, group, info);
    if (!sent.failed_with(Errno::Perm)) error = sent.error();
  }
  if (!any) return Errno::Srch;
  if (error != Errno{}) return error;
  return {};
}

}  // namespace

Result<> send_signal_to_group(const Task& sender, ThreadGroup& group, const SignalInfo& info) {
  if (!may_signal(sender, group, info.signal)) return Errno::Perm;
  if (info.signal == Signal::None) return {};
  return post_signal(group, info);
}

Result<> send_signal_to_process(const Task& sender, PidNumber pid, const SignalInfo& info) {
  // As Linux: any thread's number means its process.
  Optional<Ref<Task>> found = task::find_task(pid);
  if (!found) return Errno::Srch;
  return send_signal_to_group(sender, found->group(), info);
}

Result<> send_signal(const Task& sender, PidNumber target, const SignalInfo& info) {
  if (target > 0) return send_signal_to_process(sender, target, info);
  if (target == -1) return send_to_all(sender, info);
  if (target == INT32_MIN) return Errno::Srch;
  if (target == 0) return send_to_members(sender, *task::process_group_of(sender.group()), info);
  Optional<Ref<Pid>> process_group = Pid::find(-target);
  if (!process_group) return Errno::Srch;
  return send_to_members(sender, *process_group, info);
}

Result<> send_signal_to_thread(const Task& sender, PidNumber group, PidNumber tid,
                               const SignalInfo& info) {
  Optional<Ref<Task>> found = task::find_task(tid);
  if (!found || (group != 0 && found->group().pid() != group)) return Errno::Srch;
  if (!may_signal(sender, found->group(), info.signal)) return Errno::Perm;
  if (info.signal == Signal::None) return {};
  return post_signal_to_task(*found, info);
}

}  // namespace kernel
