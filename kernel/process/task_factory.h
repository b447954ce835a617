// SPDX-License-Identifier: MIT
// Making task objects: the parts of fork that touch what only the task layer may.
#pragma once

#include "task/process_tree.h"

namespace kernel {

class FdTable;
class FsContext;

class TaskFactory {
 public:
  // A task of the running task's user, with everything that a thread of its own has but an
  // identity, memory, files and group. Its kernel stack starts at `entry`, by default on the way to
  // user mode.
  static Result<Ref<Task>> create(Ref<Credentials> credentials,
                                  void (*entry)(void*) = enter_user_mode);
  static Result<Ref<ThreadGroup>> create_group(Ref<SignalHandlers> handlers);

  static void set_pid(Task& task, Ref<Pid> pid) { task.pid_.publish(std::move(pid).leak()); }
  static void set_group(Task& task, Ref<ThreadGroup> group) {
    task.group_ = std::move(group).leak();
  }
  static void set_leader_pid(ThreadGroup& group, Pid& pid) {
    pid.ref();
    group.leader_pid_ = &pid;
  }
  static void enter_user_mode(void* unused);
};

// A task until it is started: what it holds goes back when that fails.
class UnbornTask {
 public:
  explicit UnbornTask(Ref<Task> task) : task_(std::move(task)) {}
  UnbornTask(const UnbornTask&) = delete;
  UnbornTask& operator=(const UnbornTask&) = delete;
  ~UnbornTask();
  Task& operator*() const { return *task_; }
  Task* operator->() const { return task_.get(); }
  // From here on the task looks after itself.
  Ref<Task> born() && {
    born_ = true;
    return task_;
  }

 private:
  Ref<Task> task_;
  bool born_ = false;
};

}  // namespace kernel
