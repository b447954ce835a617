// SPDX-License-Identifier: MIT
// Whom getpriority(2), setpriority(2), ioprio_get(2) and ioprio_set(2) are about.
#pragma once

#include "syscall/sched_permission.h"

namespace kernel::syscall {

// References on the tasks that (which, who) names, taken under the tree lock so that permissions
// are looked at without it. `which` is one of abi::kPrio…; `who` 0 is the caller, its group, and
// its user or user 0.
class PriorityTargets {
 public:
  enum class UserZero : uint8_t { Own, Root };
  static Result<PriorityTargets> find(Context& context, int32_t which, int32_t who,
                                      UserZero user_zero = UserZero::Own);
  Vector<Ref<Task>>& tasks() { return tasks_; }

 private:
  // Appends what there is room for; returns how many there are. No reference is dropped in here.
  size_t collect(Context& context, int32_t which, int32_t who);
  Vector<Ref<Task>> tasks_;
};

}  // namespace kernel::syscall
