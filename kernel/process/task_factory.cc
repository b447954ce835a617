// SPDX-License-Identifier: MIT
// See task_factory.h.

#include "process/task_factory.h"

#include "arch/entry.h"
#include "process/exit.h"
#include "sched/clock.h"
#include "vm/user_copy.h"

namespace kernel {

Result<Ref<Task>> TaskFactory::create(Ref<Credentials> credentials, void (*entry)(void*)) {
  auto* task = new (std::nothrow) Task;
  if (task == nullptr) return Errno::NoMem;
  Ref<Task> owner = Ref<Task>::adopt(*task);
  credentials->account->processes.fetch_add_relaxed(1);
  task::count.fetch_add_relaxed(1);
  task->counted_ = true;
  task->credentials_.publish(std::move(credentials).leak());
  TRY(task->prepare(entry, nullptr));
  task->start_time_ns = clock::monotonic();
  return owner;
}

Result<Ref<ThreadGroup>> TaskFactory::create_group(Ref<SignalHandlers> handlers) {
  auto* group = new (std::nothrow) ThreadGroup(std::move(handlers));
  if (group == nullptr) return Errno::NoMem;
  group->start_time_ns = clock::monotonic();
  return Ref<ThreadGroup>::adopt(*group);
}

// The first thing a new user thread runs, on its own stack. The frame was filled in by fork or
// exec.
void TaskFactory::enter_user_mode(void*) {
  Task& task = current_task();
  if (raw(task.set_child_tid) != 0) {
    PidNumber tid = task.tid();
    ignore(copy_out(task.set_child_tid, &tid,
                    sizeof tid));  // clone(2): a bad address is the caller's loss
  }
  handle_user_return_work(task.user_frame());
  arch::return_to_user(task.user_frame());
}

UnbornTask::~UnbornTask() {
  if (!born_) release_unborn(*task_);
}

}  // namespace kernel
