// SPDX-License-Identifier: MIT
// See priority_targets.h.

#include "syscall/priority_targets.h"

#include "syscall/declarations.h"
#include "task/process_tree.h"

namespace kernel::syscall {

Result<PriorityTargets> PriorityTargets::find(Context& context, int32_t which, int32_t who,
                                              UserZero user_zero) {
  PriorityTargets found;
  if (which == abi::kPrioProcess) {
    Result<Ref<Task>> one =
        who < 0 ? Result<Ref<Task>>(Errno::Srch) : find_sched_target(context, who);
    if (one.ok()) TRY(found.tasks_.append(std::move(one).take()));
    return found;
  }
  if (which == abi::kPrioUser && who == 0 && user_zero == UserZero::Own)
    who = static_cast<int32_t>(context.task.credentials().uid);
  for (;;) {
    size_t count = found.collect(context, which, who);
    if (count <= found.tasks_.capacity()) return found;
    found.tasks_.clear();
    TRY(found.tasks_.reserve(count));
  }
}

size_t PriorityTargets::collect(Context& context, int32_t which, int32_t who) {
  Optional<Ref<Pid>> process_group;
  if (which == abi::kPrioProcessGroup) {
    process_group = who == 0 ? Optional<Ref<Pid>>(task::process_group_of(context.task.group()))
                             : Pid::find(who);
    if (!process_group) return 0;
  }
  size_t count = 0;
  Guard guard(task::tree_lock);
  for (ThreadGroup& group : ProcessTree::all()) {
    if (process_group && group.process_group != process_group.get()) continue;
    for (Task& task : group.threads) {
      if (which == abi::kPrioUser && task.credentials().uid != static_cast<Uid>(who)) continue;
      if (count++ < tasks_.capacity()) tasks_.append_reserved(Ref<Task>(task));
    }
  }
  return count;
}

}  // namespace kernel::syscall
