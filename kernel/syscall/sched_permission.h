// SPDX-License-Identifier: MIT
// Whose scheduling a task may look at and change: the rules that sched_setscheduler(2),
// sched_setaffinity(2) and setpriority(2) share.
#pragma once

#include "syscall/context.h"

namespace kernel::syscall {

// pid 0: the caller. Error: Srch.
inline Result<Ref<Task>> find_sched_target(Context& context, int32_t pid) {
  if (pid == 0) return Ref<Task>(context.task);
  Optional<Ref<Task>> found = task::find_task(pid);
  if (!found) return Errno::Srch;
  return found.take();
}

inline int8_t clamp_nice(int32_t nice) {
  if (nice < kMinNice) return kMinNice;
  return nice > kMaxNice ? kMaxNice : static_cast<int8_t>(nice);
}

inline bool has_same_owner(const Context& context, const Task& target) {
  Uid mine = context.task.credentials().euid;
  Ref<Credentials> theirs = task::credentials_of(target);
  return mine == theirs->euid || mine == theirs->uid;
}

// RLIMIT_NICE of 20 - nice allows that nice (getrlimit(2)).
inline bool may_set_nice(const Context& context, const Task& target, int32_t nice) {
  auto needed = static_cast<uint64_t>(20 - nice);
  return needed <= task::limit(target.group(), Resource::Nice).soft ||
         context.task.credentials().has(Capability::SysNice);
}

}  // namespace kernel::syscall
