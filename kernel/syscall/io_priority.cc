// SPDX-License-Identifier: MIT
// I/O priorities: ioprio_get(2), ioprio_set(2). They are kept and inherited; the queue of a disk is
// what will go by them. A task that has none of its own has the one that its nice value gives.

#include "syscall/declarations.h"
#include "syscall/priority_targets.h"

namespace kernel::syscall {

namespace {

constexpr uint32_t kClassShift = 13, kLevelMask = 7;  // what is between is a hint, and kept
enum Class : uint32_t { kNone, kRealTime, kBestEffort, kIdle };

uint32_t class_of(uint32_t priority) { return priority >> kClassShift & 7; }

Result<> check(const Context& context, uint32_t priority) {
  const Credentials& mine = context.task.credentials();
  switch (class_of(priority)) {
    case kRealTime:
      if (!mine.has(Capability::SysAdmin) && !mine.has(Capability::SysNice)) return Errno::Perm;
      [[fallthrough]];
    case kBestEffort:
    case kIdle:
      return {};
    case kNone:
      return (priority & kLevelMask) == 0 ? Result<>() : Errno::Inval;
    default:
      return Errno::Inval;
  }
}

bool may_set(const Context& context, const Task& target) {
  const Credentials& mine = context.task.credentials();
  Ref<Credentials> theirs = task::credentials_of(target);
  return theirs->uid == mine.euid || theirs->uid == mine.uid || mine.has(Capability::SysNice);
}

// "If no I/O scheduler has been set for a thread": ioprio_set(2).
uint32_t effective(const Task& target) {
  uint32_t own = target.io_priority.load_relaxed();
  if (class_of(own) != kNone) return own;
  SchedParameters sched = target.parameters();
  uint32_t level = static_cast<uint32_t>(sched.nice + 20) / 5;
  switch (sched.policy) {
    case SchedPolicy::Fifo:
    case SchedPolicy::RoundRobin:
      return kRealTime << kClassShift | level;
    case SchedPolicy::Idle:
      return kIdle << kClassShift | level;
    default:
      return kBestEffort << kClassShift | level;
  }
}

// IOPRIO_WHO_PROCESS is 1 where PRIO_PROCESS is 0.
Result<PriorityTargets> find(Context& context, int32_t which, int32_t who,
                             PriorityTargets::UserZero user_zero) {
  if (which < 1 || which > 3) return Errno::Inval;
  return PriorityTargets::find(context, which - 1 + abi::kPrioProcess, who, user_zero);
}

}  // namespace

// Stops at the first that may not be changed. User 0 is root here, where ioprio_get's is the
// caller's own: so does Linux.
Value sys_ioprio_set(Context& context, int32_t which, int32_t who, uint32_t priority) {
  TRY(check(context, priority));
  PriorityTargets targets = TRY(find(context, which, who, PriorityTargets::UserZero::Root));
  if (targets.tasks().empty()) return Errno::Srch;
  for (Ref<Task>& target : targets.tasks()) {
    if (!may_set(context, *target)) return Errno::Perm;
    target->io_priority.store_relaxed(static_cast<uint16_t>(priority));
  }
  return 0;
}

// Of one: what it has set. Of several: the best that one of them has.
Value sys_ioprio_get(Context& context, int32_t which, int32_t who) {
  PriorityTargets targets = TRY(find(context, which, who, PriorityTargets::UserZero::Own));
  if (targets.tasks().empty()) return Errno::Srch;
  if (which == 1) return targets.tasks()[0]->io_priority.load_relaxed();
  uint32_t best = UINT32_MAX;
  for (Ref<Task>& target : targets.tasks()) best = std::min(best, effective(*target));
  return best;
}

}  // namespace kernel::syscall
