// SPDX-License-Identifier: MIT
// Nice values of a thread, a process group or all of a user's threads: getpriority(2),
// setpriority(2).

#include "syscall/declarations.h"
#include "syscall/priority_targets.h"

namespace kernel::syscall {

namespace {

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
  PriorityTargets targets = TRY(PriorityTargets::find(context, which, who));
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
  PriorityTargets targets = TRY(PriorityTargets::find(context, which, who));
  int64_t best = 0;
  for (Ref<Task>& target : targets.tasks()) {
    int64_t value = 20 - target->parameters().nice;
    if (value > best) best = value;
  }
  if (best == 0) return Errno::Srch;
  return best;
}

}  // namespace kernel::syscall
