// SPDX-License-Identifier: MIT
// What a process tells its parent: SIGCHLD (or its exit signal) and a wake-up of wait(2).
#pragma once

#include "task/process_tree.h"

namespace kernel {

// The group has become a zombie. True when the parent does not want to know: reap it at once.
bool notify_parent_of_exit(ThreadGroup& child) REQUIRES(task::tree_lock);

enum class JobChange : uint8_t { Stopped, Continued };
void notify_parent_of_job_change(ThreadGroup& child, JobChange change);

// POSIX: a process group that has just lost its last outside parent and has stopped members gets
// SIGHUP and SIGCONT. `lost_parent`: who has gone, for a child; null: `group` itself is going.
void hang_up_if_orphaned(ThreadGroup& group, ThreadGroup* lost_parent) REQUIRES(task::tree_lock);

// wait(2)'s status words.
constexpr int32_t exited_status(int32_t code) { return (code & 0xff) << 8; }
constexpr int32_t stopped_status(Signal signal) { return static_cast<int32_t>(signal) << 8 | 0x7f; }
inline constexpr int32_t kContinuedStatus = 0xffff;
// si_code and si_status of an ended child.
struct ChildStatus {
  int32_t code;
  int32_t status;
};
ChildStatus child_status(int32_t exit_code);

inline constexpr uint64_t kNanosPerClockTick = 10'000'000;  // USER_HZ = 100

}  // namespace kernel
