// SPDX-License-Identifier: MIT
// Lifetime of tasks and groups, and what others ask of them; see task.h.

#include "task/task.h"

namespace kernel {

constinit Atomic<uint32_t> task::count;

Result<Ref<SignalHandlers>> SignalHandlers::create() { return make_ref<SignalHandlers>(); }

Result<Ref<SignalHandlers>> SignalHandlers::clone() const {
  Ref<SignalHandlers> copy = TRY(create());
  Guard guard(lock);
  Guard copy_guard(copy->lock, 1);  // nobody else has it
  __builtin_memcpy(copy->actions, actions, sizeof actions);
  return copy;
}

void SignalHandlers::reset_caught() {
  Guard guard(lock);
  for (SignalAction& action : actions) {
    if (action.handler != kHandlerIgnore) action.handler = kHandlerDefault;
    action.flags = 0;
    action.restorer = UserAddr{};
    action.mask = SignalSet();
  }
}

void Task::uncount() {
  if (!std::exchange(counted_, false)) return;
  credentials().account->processes.fetch_sub_relaxed(1);
  task::count.fetch_sub_relaxed(1);
}

Task::~Task() {
  uncount();
  if (Credentials* credentials = credentials_.read()) credentials->unref();
  if (Pid* pid = pid_.read()) pid->unref();
  if (group_ != nullptr) group_->unref();
}

ThreadGroup::~ThreadGroup() {
  DCHECK(threads.empty());
  if (process_group != nullptr) process_group->unref();
  if (session != nullptr) session->unref();
  if (leader_pid_ != nullptr) leader_pid_->unref();
}

namespace task {

Ref<Credentials> credentials_of(const Task& task) {
  for (;;) {
    RcuReadGuard reading;
    auto& credentials = const_cast<Credentials&>(task.credentials());
    if (credentials.try_ref()) return Ref<Credentials>::adopt(credentials);
  }
}

Limit limit(const ThreadGroup& group, Resource resource) {
  Guard guard(group.signal_lock);
  return group.limits[static_cast<size_t>(resource)];
}

ResourceUsage usage_of(const Task& task) {
  ResourceUsage usage;
  CpuUsage cpu = task.cpu_usage();
  usage.user_time_ns = cpu.user;
  usage.system_time_ns = cpu.system;
  usage.minor_faults = task.minor_faults;
  usage.major_faults = task.major_faults;
  usage.in_blocks = task.read_bytes / 512;
  usage.out_blocks = task.write_bytes / 512;
  usage.voluntary_switches = task.voluntary_switches();
  usage.involuntary_switches = task.involuntary_switches();
  return usage;
}

ResourceUsage usage_of_locked(ThreadGroup& group) {
  ResourceUsage sum = group.dead_threads;
  for (Task& task : group.threads) sum.add(usage_of(task));
  if (group.max_resident_kib > sum.max_resident_kib) sum.max_resident_kib = group.max_resident_kib;
  return sum;
}

ResourceUsage usage_of(ThreadGroup& group) {
  Guard guard(tree_lock);
  return usage_of_locked(group);
}

Optional<Ref<Task>> find_task(PidNumber tid) {
  Optional<Ref<Pid>> pid = Pid::find(tid);
  if (!pid) return {};
  RcuReadGuard reading;
  Task* task = pid->task();
  if (task == nullptr || !task->try_ref()) return {};
  return Ref<Task>::adopt(*task);
}

Optional<Ref<ThreadGroup>> find_group(PidNumber number) {
  Optional<Ref<Pid>> pid = Pid::find(number);
  if (!pid) return {};
  RcuReadGuard reading;
  ThreadGroup* group = pid->thread_group();
  if (group == nullptr || !group->try_ref()) return {};
  return Ref<ThreadGroup>::adopt(*group);
}

}  // namespace task
}  // namespace kernel
