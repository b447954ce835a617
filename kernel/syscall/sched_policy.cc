// SPDX-License-Identifier: MIT
// Policies and priorities of threads: sched_setscheduler(2), sched_setparam(2), sched_setattr(2)
// and what reads them back. sched(7).

#include "sched/scheduler.h"
#include "syscall/declarations.h"
#include "syscall/sched_permission.h"

namespace kernel::syscall {

namespace {

using abi::SchedAttributes;

struct Change {
  int32_t policy;        // Linux's number; -1: the present one
  uint64_t flags = 0;
  uint32_t priority = 0;
  int32_t nice = 0;
};

bool is_known(int32_t policy) {
  switch (policy) {
    case abi::kSchedNormal:
    case abi::kSchedFifo:
    case abi::kSchedRoundRobin:
    case abi::kSchedBatch:
    case abi::kSchedIdle: return true;
    default: return false;
  }
}

// SCHED_IDLE leaves the nice value alone, as the real-time policies do.
bool has_nice(SchedPolicy policy) {
  return policy == SchedPolicy::Normal || policy == SchedPolicy::Batch;
}

// sched_setscheduler(2), "Privileges and resource limits".
bool is_permitted(const Context& context, const Task& target, const SchedParameters& old,
                  const SchedParameters& wanted) {
  if (context.task.credentials().has(Capability::SysNice)) return true;
  if (wanted.is_realtime()) {
    uint64_t limit = task::limit(target.group(), Resource::RtPriority).soft;
    if (wanted.policy != old.policy && limit == 0) return false;
    if (wanted.rt_priority > old.rt_priority && wanted.rt_priority > limit) return false;
  } else if (wanted.nice < old.nice && !may_set_nice(context, target, wanted.nice)) {
    return false;
  }
  if (old.policy == SchedPolicy::Idle && wanted.policy != SchedPolicy::Idle &&
      !may_set_nice(context, target, old.nice)) {
    return false;
  }
  if (old.reset_on_fork && !wanted.reset_on_fork) return false;
  return has_same_owner(context, target);
}

Result<> apply(const Context& context, Task& target, const Change& change) {
  SchedParameters old = target.parameters();
  SchedParameters wanted;
  wanted.reset_on_fork = (change.flags & abi::kSchedFlagResetOnFork) != 0;
  if (change.policy < 0) {
    wanted.policy = old.policy;
    wanted.reset_on_fork = old.reset_on_fork;
  } else if (is_known(change.policy)) {
    wanted.policy = static_cast<SchedPolicy>(change.policy);
  } else {
    return Errno::Inval;
  }
  if (change.priority > kMaxRtPriority) return Errno::Inval;
  if (wanted.is_realtime() != (change.priority != 0)) return Errno::Inval;
  wanted.rt_priority = static_cast<uint8_t>(change.priority);
  wanted.nice = has_nice(wanted.policy) ? static_cast<int8_t>(change.nice) : old.nice;
  if (!is_permitted(context, target, old, wanted)) return Errno::Perm;
  // What is checked is not taken over: the policy neither.
  if ((change.flags & abi::kSchedFlagKeepParams) != 0) {
    old.reset_on_fork = wanted.reset_on_fork;
    wanted = old;
  }
  target.set_parameters(wanted);
  return {};
}

Value set_scheduler(Context& context, int32_t pid, int32_t policy, UserIn<abi::SchedParam> param) {
  if (param.is_null() || pid < 0) return Errno::Inval;
  abi::SchedParam wanted = TRY(param.read());
  Ref<Task> target = TRY(find_sched_target(context, pid));
  Change change{.policy = policy, .priority = static_cast<uint32_t>(wanted.priority),
                .nice = target->parameters().nice};
  if (policy >= 0 && (policy & abi::kSchedResetOnFork) != 0) {
    change.policy &= ~abi::kSchedResetOnFork;
    change.flags = abi::kSchedFlagResetOnFork;
  }
  TRY(apply(context, *target, change));
  return 0;
}

// A structure that may be older (shorter) or newer (longer) than ours: what we do not know must be
// zero. On TooBig our size is written back.
Result<SchedAttributes> read_attributes(UserAddr address) {
  auto size = TRY(UserIn<uint32_t>(address).read());
  if (size == 0) size = abi::kSchedAttributesFirstSize;
  bool fits = size >= abi::kSchedAttributesFirstSize && size <= kPageSize;
  SchedAttributes attributes{};
  for (uint64_t at = sizeof attributes; fits && at < size; ++at) {
    fits = TRY(UserIn<uint8_t>(address + at).read()) == 0;
  }
  if (!fits) {
    ignore(UserOut<uint32_t>(address).write(sizeof attributes));  // the error is TooBig in any case
    return Errno::TooBig;
  }
  TRY(copy_in(&attributes, address, size < sizeof attributes ? size : sizeof attributes));
  attributes.size = size;
  return attributes;
}

}  // namespace

Value sys_sched_setparam(Context& context, int32_t pid, UserIn<abi::SchedParam> param) {
  return set_scheduler(context, pid, -1, param);
}

Value sys_sched_setscheduler(Context& context, int32_t pid, int32_t policy,
                             UserIn<abi::SchedParam> param) {
  if (policy < 0) return Errno::Inval;
  return set_scheduler(context, pid, policy, param);
}

Value sys_sched_getscheduler(Context& context, int32_t pid) {
  if (pid < 0) return Errno::Inval;
  SchedParameters parameters = TRY(find_sched_target(context, pid))->parameters();
  return static_cast<int32_t>(parameters.policy) |
         (parameters.reset_on_fork ? abi::kSchedResetOnFork : 0);
}

Value sys_sched_getparam(Context& context, int32_t pid, UserOut<abi::SchedParam> param) {
  if (param.is_null() || pid < 0) return Errno::Inval;
  SchedParameters parameters = TRY(find_sched_target(context, pid))->parameters();
  TRY(param.write({parameters.rt_priority}));
  return 0;
}

Value sys_sched_setattr(Context& context, int32_t pid, UserAddr address, uint32_t flags) {
  constexpr uint64_t kKnown = abi::kSchedFlagResetOnFork | abi::kSchedFlagReclaim |
                              abi::kSchedFlagDlOverrun | abi::kSchedFlagKeepPolicy |
                              abi::kSchedFlagKeepParams | abi::kSchedFlagUtilClamp;
  if (raw(address) == 0 || pid < 0 || flags != 0) return Errno::Inval;
  SchedAttributes wanted = TRY(read_attributes(address));
  bool clamps = (wanted.flags & abi::kSchedFlagUtilClamp) != 0;
  if (clamps && wanted.size < sizeof wanted) return Errno::Inval;
  auto policy = static_cast<int32_t>(wanted.policy);
  if (policy < 0) return Errno::Inval;
  Ref<Task> target = TRY(find_sched_target(context, pid));
  SchedParameters present = target->parameters();
  Change change{.policy = policy, .flags = wanted.flags, .priority = wanted.priority,
                .nice = clamp_nice(wanted.nice)};
  if ((wanted.flags & abi::kSchedFlagKeepPolicy) != 0) change.policy = -1;
  if ((wanted.flags & abi::kSchedFlagKeepParams) != 0) {
    change.priority = present.rt_priority;
    change.nice = present.nice;
  }
  if ((wanted.flags & ~kKnown) != 0) return Errno::Inval;
  if (clamps) return Errno::OpNotSupp;  // as a Linux without CONFIG_UCLAMP_TASK
  TRY(apply(context, *target, change));
  return 0;
}

Value sys_sched_getattr(Context& context, int32_t pid, UserAddr address, uint32_t size,
                        uint32_t flags) {
  bool size_ok = size >= abi::kSchedAttributesFirstSize && size <= kPageSize;
  if (raw(address) == 0 || pid < 0 || !size_ok || flags != 0) return Errno::Inval;
  SchedParameters parameters = TRY(find_sched_target(context, pid))->parameters();
  SchedAttributes attributes{};
  attributes.size = size < sizeof attributes ? size : sizeof attributes;
  attributes.policy = static_cast<uint32_t>(parameters.policy);
  attributes.flags = parameters.reset_on_fork ? abi::kSchedFlagResetOnFork : 0;
  if (parameters.is_realtime()) {
    attributes.priority = parameters.rt_priority;
  } else {
    attributes.nice = parameters.nice;
  }
  TRY(copy_out(address, &attributes, attributes.size));
  return 0;
}

Value sys_sched_get_priority_max(Context&, int32_t policy) {
  if (policy == abi::kSchedFifo || policy == abi::kSchedRoundRobin) return int64_t{kMaxRtPriority};
  if (is_known(policy) || policy == abi::kSchedDeadline) return 0;
  return Errno::Inval;
}

Value sys_sched_get_priority_min(Context&, int32_t policy) {
  if (policy == abi::kSchedFifo || policy == abi::kSchedRoundRobin) return 1;
  if (is_known(policy) || policy == abi::kSchedDeadline) return 0;
  return Errno::Inval;
}

// A fair thread's slice has no fixed length; Linux tells it in whole ticks.
Value sys_sched_rr_get_interval(Context& context, int32_t pid, UserOut<abi::TimeSpec> interval) {
  if (pid < 0) return Errno::Inval;
  SchedParameters parameters = TRY(find_sched_target(context, pid))->parameters();
  Nanoseconds slice = 0;
  if (parameters.policy == SchedPolicy::RoundRobin) {
    slice = sched::kRoundRobinSlice;
  } else if (parameters.policy != SchedPolicy::Fifo) {
    slice = clock::kCoarseResolution;
  }
  TRY(interval.write(abi::TimeSpec::from_ns(slice)));
  return 0;
}

}  // namespace kernel::syscall
