// SPDX-License-Identifier: MIT
// Nice values of a thread, a process group or all of a user's threads: getpriority(2),
// setpriority(2).

#include "syscall/declarations.h"
#include "syscall/sched_permission.h"
#include "task/process_tree.h"

namespace kernel::syscall {

namespace {

// References on the tasks that (which, who) names, taken under the tree lock so that permissions
// are looked at without it.
class Targets {
 public:
  static Result<Targets> find(Context& context, int32_t which, int32_t who) {
    Targets found;
    if (which == abi::kPrioProcess) {
      Result<Ref<Task>> one =
          who < 0 ? Result<Ref<Task>>(Errno::Srch) : find_sched_target(context, who);
      if (one.ok()) TRY(found.tasks_.append(std::move(one).take()));
      return found;
    }
    for (;;) {
      size_t count = found.collect(context, which, who);
      if (count <= found.tasks_.capacity()) return found;
      found.tasks_.clear();
      TRY(found.tasks_.reserve(count));
    }
  }
  Vector<Ref<Task>>& tasks() { return tasks_; }

 private:
  // Appends what there is room for; returns how many there are. No reference is dropped in here.
  size_t collect(Context& context, int32_t which, int32_t who) {
    Optional<Ref<Pid>> process_group;
    if (which == abi::kPrioProcessGroup) {
      process_group = who == 0 ? Optional<Ref<Pid>>(task::process_group_of(context.task.group()))
                               : Pid::find(who);
      if (!process_group) return 0;
    }
    Uid user = who == 0 ? context.task.credentials().uid : static_cast<Uid>(who);
    size_t count = 0;
    Guard guard(task::tree_lock);
    for (ThreadGroup& group : ProcessTree::all()) {
      if (process_group && group.process_group != process_group.get()) continue;
      for (Task& task : group.threads) {
        if (which == abi::kPrioUser && task.credentials().uid != user) continue;
        if (count++ < tasks_.capacity()) tasks_.append_reserved(Ref<Task>(task));
      }
    }
    return count;
  }
  Vector<Ref<Task>> tasks_;
};

Result<> set_nice(const Context& context, Task& target, int8_t nice) {
  const Credentials& mine = context.task.credentials();
  Ref<Credentials> theirs = task::credentials_of(target);
  if (theirs->uid != mine.euid && theirs->euid != mine.euid && !mine.has(Capability::SysNice)) {
    return Errno::Perm;
  }
  SchedParameters parameters = target.parameters();
  if (nice < parameters.nice && !may_set_nice(context, target, nice)) return Errno::Acces;
  parameters.nice = nice;
  target.set_parameters(parameters);
  return {};
}

}  // namespace

// All that may be changed are; one that may not makes the call fail behind it.
Value sys_setpriority(Context& context, int32_t which, int32_t who, int32_t nice) {
  if (which < abi::kPrioProcess || which > abi::kPrioUser) return Errno::Inval;
  Targets targets = TRY(Targets::find(context, which, who));
  if (targets.tasks().empty()) return Errno::Srch;
  Errno error{};
  for (Ref<Task>& target : targets.tasks()) {
    Result<> set = set_nice(context, *target, clamp_nice(nice));
    if (!set.ok()) error = set.error();
  }
  if (error != Errno{}) return error;
  return 0;
}

// 20 minus the least nice value of all: never negative (getpriority(2), "C library/kernel
// differences").
Value sys_getpriority(Context& context, int32_t which, int32_t who) {
  if (which < abi::kPrioProcess || which > abi::kPrioUser) return Errno::Inval;
  Targets targets = TRY(Targets::find(context, which, who));
  int64_t best = 0;
  for (Ref<Task>& target : targets.tasks()) {
    int64_t value = 20 - target->parameters().nice;
    if (value > best) best = value;
  }
  if (best == 0) return Errno::Srch;
  return best;
}

}  // namespace kernel::syscall
