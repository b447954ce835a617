// SPDX-License-Identifier: MIT
// Process identifiers. A Pid object is one number's identity: it outlives the task, so that a
// number in use as a process group or session is not given out again, and nobody signals a
// stranger.
#pragma once

#include "lib/list.h"
#include "lib/ref.h"
#include "sched/wait_queue.h"
#include "sync/rcu.h"

namespace kernel {

class Task;
class ThreadGroup;
class Terminal;

using PidNumber = int32_t;
inline constexpr PidNumber kPidMax = 4194304;  // the highest that kernel.pid_max may be
// kernel.pid_max: numbers from 1 up to below it are given out. Any context.
PidNumber pid_max();
void set_pid_max(PidNumber limit);

struct GroupMemberTag {};
struct SessionMemberTag {};

// Lists are guarded by task::tree_lock; lookups by number are lock-free inside an RCU section.
class Pid final : public RefCounted<Pid>, public RcuHead {
 public:
  // The next free number (Linux's order: ascending, wrapping to 300). Errors: Again when none is
  // left, NoMem.
  static Result<Ref<Pid>> allocate();
  // clone3's set_tid. Errors: Inval out of range, Exist, NoMem.
  static Result<Ref<Pid>> allocate_number(PidNumber number);
  // Null when nobody has it.
  static Optional<Ref<Pid>> find(PidNumber number);
  // The first Pid with a number >= `from` that has a task; for /proc listings.
  static Optional<Ref<Pid>> find_from(PidNumber from);
  // Number 0: group and session of init, until it makes its own. Nobody finds it by number.
  static Pid& zero();
  // The number given out last, for /proc/loadavg.
  static PidNumber last_allocated();

  PidNumber number() const { return number_; }

  // The task with this tid / the group with this pid; null when it has gone. RCU section or tree
  // lock.
  Task* task() const { return task_.read(); }
  ThreadGroup* thread_group() const { return thread_group_.read(); }

  // Woken when the process becomes a zombie: pidfds poll here.
  WaitQueue ended;

  static void last_unref(Pid* pid);

 private:
  friend class ProcessTree;
  friend class PidMap;
  explicit constexpr Pid(PidNumber number) : number_(number) {}
  static Pid zero_;

  PidNumber number_;  // never changes once the map has it
  RcuPointer<Task> task_;
  RcuPointer<ThreadGroup> thread_group_;
  // --- Guarded by task::tree_lock.
  List<ThreadGroup, GroupMemberTag> group_members_;
  List<ThreadGroup, SessionMemberTag> session_members_;
  Terminal* terminal_ = nullptr;  // controlling terminal, of a session
  uint32_t group_signals_ = 0;    // signals posted to the group so far: fork must not split one
};

}  // namespace kernel
