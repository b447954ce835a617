// SPDX-License-Identifier: MIT
// A Task is one Linux thread; a ThreadGroup is one Linux process. This layer knows identity, the
// process tree, credentials, limits and pending signals: what files and terminals need. What makes,
// changes and ends a process is in process/.
#pragma once

#include "lib/string.h"
#include "sched/mutex.h"
#include "sched/thread.h"
#include "sched/timer.h"
#include "sync/seq_lock.h"
#include "task/credentials.h"
#include "task/limits.h"
#include "task/pid.h"
#include "task/signal.h"

namespace kernel {

class FdTable;
class FsContext;
class ThreadGroup;
class Completion;
struct ProcessTimers;  // process/: itimers and POSIX timers

// The table of signal actions, shared by CLONE_SIGHAND.
class SignalHandlers final : public RefCounted<SignalHandlers> {
 public:
  // Guards the actions and, for every group that uses this table, the pending queues (signal lock).
  mutable SpinLock<LockRank::Task> lock;
  SignalAction actions[kSignalCount + 1] GUARDED_BY(lock);
};

// What counts against a real user id's limits (RLIMIT_NPROC, RLIMIT_SIGPENDING, RLIMIT_MEMLOCK).
class UserAccount;

struct GroupThreadTag {};
struct ChildTag {};

class Task final : public Thread, public ListNode<Task, GroupThreadTag> {
 public:
  PidNumber tid() const { return pid_->number(); }
  Pid& pid() const { return *pid_; }
  ThreadGroup& group() const { return *group_; }
  bool is_group_leader() const;

  // Own thread: borrow. Another's: credentials_of() inside an RCU section.
  const Credentials& credentials() const { return *credentials_.read(); }

  // --- Signals. `blocked` is changed by the thread itself only, under the signal lock.
  SignalSet blocked;
  SignalSet saved_blocked;         // restored on return when restore_blocked (sigsuspend, ppoll…)
  bool restore_blocked = false;
  PendingSignals pending;          // signal lock
  struct AltStack {
    UserAddr base{};
    uint64_t size = 0;
    uint32_t flags = 2;            // SS_DISABLE
  } alt_stack;

  // --- Set by clone flags and system calls of the thread itself.
  UserAddr clear_child_tid{};
  UserAddr robust_list{};
  UserAddr set_child_tid{};
  // The parameters of an interrupted relative sleep (restart_syscall(2)); null function: none.
  struct Restart {
    int64_t (*function)(Task&, Restart&) = nullptr;
    uint64_t data[6] = {};
  } restart;

  // Owned references, managed by process/ (fork, unshare, exec, exit). Others read them of another task
  // under its group's signal lock, and take a reference there.
  FdTable* files = nullptr;
  FsContext* fs_context = nullptr;
  Completion* vfork_done = nullptr;

  int32_t exit_code = 0;           // wait status word
  uint64_t start_time_ns = 0;      // boot time
  uint64_t minor_faults = 0;
  uint64_t major_faults = 0;
  uint64_t read_bytes = 0, write_bytes = 0, read_calls = 0, write_calls = 0;
  uint8_t parent_death_signal = 0;
  bool no_new_privileges = false;
  bool exiting = false;            // signal lock: takes no more signals
  uint64_t timer_slack_ns = 50'000;

  arch::UserState user_state{};

 private:
  friend class ProcessTree;
  friend class TaskFactory;   // process/fork.cc
  friend class CredentialChange;
  Task() = default;
  Pid* pid_ = nullptr;             // owned reference
  ThreadGroup* group_ = nullptr;   // owned reference
  RcuPointer<Credentials> credentials_;  // owned reference
};

inline Task& current_task() { return static_cast<Task&>(current()); }

class ThreadGroup final : public RefCounted<ThreadGroup>,
                          public RcuHead,
                          public ListNode<ThreadGroup, ChildTag>,
                          public ListNode<ThreadGroup, GroupMemberTag>,
                          public ListNode<ThreadGroup, SessionMemberTag> {
 public:
  PidNumber pid() const { return leader_pid_->number(); }
  Pid& leader_pid() const { return *leader_pid_; }

  // --- Tree: guarded by task::tree_lock (read also inside an RCU section).
  ThreadGroup* parent = nullptr;
  List<ThreadGroup, ChildTag> children;
  List<Task, GroupThreadTag> threads;
  unsigned thread_count = 0;
  Task* leader = nullptr;          // the task whose tid is the pid; a zombie leader stays until reaped
  Pid* process_group = nullptr;    // owned reference
  Pid* session = nullptr;          // owned reference
  bool is_subreaper = false;
  bool executed = false;           // setpgid(2): EACCES after exec
  enum class State : uint8_t { Live, Zombie, Reaped } state = State::Live;
  Signal exit_signal = Signal::Chld;
  int32_t exit_code = 0;           // wait status word

  // --- Signals: guarded by handlers->lock, the signal lock.
  Ref<SignalHandlers> handlers;
  PendingSignals pending;
  bool group_exiting = false;
  int32_t group_exit_code = 0;
  Task* exec_survivor = nullptr;   // the thread whose exec ends the others
  bool stopped = false;            // job control
  unsigned stopping = 0;           // threads still to stop
  int32_t stop_code = 0;           // wait status of the last stop, for WUNTRACED
  bool stop_reported = true;
  bool continue_reported = true;

  // Parents wait here for children; signalfd and pidfd poll here too.
  WaitQueue child_changed;
  WaitQueue signal_posted;         // sigtimedwait, signalfd

  Limit limits[kResourceCount];    // signal lock
  ResourceUsage dead_threads;      // of threads that have ended; tree lock
  ResourceUsage reaped_children;   // tree lock
  ProcessTimers* timers = nullptr; // process/
  bool dumpable = true;
  int16_t oom_score_adjust = 0;
  uint32_t personality = 0;

 private:
  friend class ProcessTree;
  friend class TaskFactory;
  explicit ThreadGroup(Ref<SignalHandlers> actions) : handlers(std::move(actions)) {}
  Pid* leader_pid_ = nullptr;      // owned reference
};

inline bool Task::is_group_leader() const { return group_->leader == this; }

namespace task {

// The process tree: parents, children, threads, groups, sessions, states. A spin lock: held shortly.
extern SpinLock<LockRank::PidMap> tree_lock;

Ref<Credentials> credentials_of(const Task& task);
Limit limit(const ThreadGroup& group, Resource resource);

// The controlling terminal of a session; the terminal layer sets it. Guarded by tree_lock.
Terminal* session_terminal(const Pid& session);
void set_session_terminal(Pid& session, Terminal* terminal);

// job control (setpgid(2), setsid(2)).
Result<> set_process_group(PidNumber pid, PidNumber group);
Result<PidNumber> new_session();
// The session of a process group; none when the group has no member any more.
Optional<Ref<Pid>> session_of_group(const Pid& process_group);
// The running task blocks the signal or its process ignores it: job control's test (tcsetpgrp(3)).
bool blocks_or_ignores(Signal signal);
// POSIX: no member has a parent outside the group but inside the session.
bool is_orphaned(const Pid& process_group);

}  // namespace task
}  // namespace kernel
