// SPDX-License-Identifier: MIT
// A Task is one Linux thread; a ThreadGroup is one Linux process. This layer knows identity, the
// process tree, credentials, limits and pending signals: what files and terminals need. What makes,
// changes and ends a process is in process/.
//
//   ThreadGroup --children--> ThreadGroup ...        tree_lock
//        | threads            (Pid: its group and session members)
//        v
//      Task --group--> ThreadGroup --handlers--> SignalHandlers (shared by CLONE_SIGHAND)
//
// Lock order: tree_lock, signal_lock of one group, lock of one action table.
#pragma once

#include "lib/string.h"
#include "sched/mutex.h"
#include "sched/thread.h"
#include "sched/timer.h"
#include "sched/wait_queue.h"
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
struct CoreDump;
class SemaphoreUndoList;
struct ProcessTimers;  // process/: itimers and POSIX timers

// The table of signal actions, shared by CLONE_SIGHAND.
class SignalHandlers final : public RefCounted<SignalHandlers> {
 public:
  static Result<Ref<SignalHandlers>> create();
  Result<Ref<SignalHandlers>> clone() const;
  SignalAction get(Signal signal) const {
    Guard guard(lock);
    return actions[static_cast<unsigned>(signal)];
  }
  // execve, CLONE_CLEAR_SIGHAND: caught signals go back to the default, ignored ones stay ignored.
  void reset_caught();

  mutable SpinLock<LockRank::SignalActions> lock;
  SignalAction actions[kSignalCount + 1] GUARDED_BY(lock);
};

namespace task {
// The process tree: parents, children, threads, groups, sessions, states. A spin lock: held
// shortly.
extern SpinLock<LockRank::ProcessTree> tree_lock;
}  // namespace task

struct GroupThreadTag {};
struct ChildTag {};
struct AllGroupsTag {};

class Task final : public Thread, public ListNode<Task, GroupThreadTag> {
 public:
  ~Task() override;

  PidNumber tid() const { return pid_.read()->number(); }
  Pid& pid() const { return *pid_.read(); }
  ThreadGroup& group() const { return *group_; }
  bool is_group_leader() const;

  // Own thread: borrow. Another's: task::credentials_of().
  const Credentials& credentials() const { return *credentials_.read(); }
  // As whom the file layer acts meanwhile (vfs::ActingAs). Own thread.
  const Credentials* borrowed_credentials = nullptr;

  // --- Signals. `blocked` is changed by the thread itself only, under the signal lock.
  SignalSet blocked;
  SignalSet waited;                // what sigtimedwait has unblocked for its wait
  SignalSet saved_blocked;         // restored on return when restore_blocked (sigsuspend, ppoll…)
  bool restore_blocked = false;
  PendingSignals pending;          // signal lock
  bool stop_pending = false;       // signal lock: takes part in a group stop at the next chance
  bool stop_counted = false;       // signal lock: is one of group().stopping
  bool stop_dequeued = false;      // signal lock: took a stop signal that nothing has cancelled yet
  struct AltStack {
    UserAddr base{};
    uint64_t size = 0;
    uint32_t flags = 0;            // SS_DISABLE, SS_AUTODISARM
  } alt_stack;
  // Of the last fault that became a signal: for the signal frame (sigcontext, esr_context).
  uint64_t fault_address = 0;
  uint64_t fault_syndrome = 0;

  // --- Set by clone flags and system calls of the thread itself.
  UserAddr clear_child_tid{};
  UserAddr robust_list{};
  UserAddr set_child_tid{};
  UserAddr restartable_area{};         // rseq(2); see process/restartable_sequence.h
  uint32_t restartable_signature = 0;
  // How restart_syscall(2) goes on with an interrupted relative sleep; null: EINTR.
  struct Restart {
    int64_t (*function)(Task&, Restart&) = nullptr;  // result or negative error
    uint64_t data[6] = {};
  } restart;

  // Owned references, managed by process/ (fork, unshare, exec, exit). Others read them of another
  // task under its group's signal lock, and take a reference there.
  FdTable* files = nullptr;
  FsContext* fs_context = nullptr;
  Completion* vfork_done = nullptr;  // signal lock
  SemaphoreUndoList* semaphore_undo = nullptr;  // ipc; its own, made at first use

  int32_t exit_code = 0;           // wait status word
  uint64_t start_time_ns = 0;      // boot time
  uint64_t minor_faults = 0;
  uint64_t major_faults = 0;
  uint64_t read_bytes = 0, write_bytes = 0, read_calls = 0, write_calls = 0;
  uint8_t parent_death_signal = 0;
  bool no_new_privileges = false;
  bool process_limit_exceeded = false;  // by setuid(2): the next execve fails
  bool exiting = false;            // signal lock: takes no more signals
  uint8_t machine_check_policy = 2;     // PR_MCE_KILL_DEFAULT; there are no machine checks
  uint64_t timer_slack_ns = 50'000;
  Atomic<uint16_t> io_priority{0};  // class and level as ioprio_set(2) has them

  arch::UserState user_state{};

 private:
  friend class ProcessTree;
  friend class TaskFactory;   // process/task_factory.h
  friend class CredentialChange;
  Task() { user_state_ = &user_state; }
  // Ends its counting against the user's processes: when nobody can find it any more.
  void uncount();
  bool counted_ = false;
  RcuPointer<Pid> pid_;            // owned reference; exec of a non-leader exchanges it
  ThreadGroup* group_ = nullptr;   // owned reference
  RcuPointer<Credentials> credentials_;  // owned reference
};

inline Task& current_task() { return static_cast<Task&>(current()); }

// What goes into a core file by default, and what can be asked for (core(5)).
inline constexpr uint32_t kDefaultCoreFilter = 0x33, kKnownCoreFilter = 0x1ff;

class ThreadGroup final : public RefCounted<ThreadGroup>,
                          public RcuHead,
                          public ListNode<ThreadGroup, ChildTag>,
                          public ListNode<ThreadGroup, GroupMemberTag>,
                          public ListNode<ThreadGroup, SessionMemberTag>,
                          public ListNode<ThreadGroup, AllGroupsTag> {
 public:
  ~ThreadGroup();

  PidNumber pid() const { return leader_pid_->number(); }
  Pid& leader_pid() const { return *leader_pid_; }
  bool is_init() const { return pid() == 1; }

  // --- Tree: changed under task::tree_lock; `parent` is read inside an RCU section as well.
  ThreadGroup* parent = nullptr;
  Task* parent_task = nullptr;     // the thread of `parent` that made this, or its heir
  List<ThreadGroup, ChildTag> children GUARDED_BY(task::tree_lock);
  // Each entry is a reference. Threads that have ended are gone, but for the leader. Changed under
  // the tree lock and the signal lock, read under either.
  List<Task, GroupThreadTag> threads;
  unsigned thread_count = 0;       // of the list, a dead leader included
  Atomic<uint32_t> live_threads{1};  // that have not begun to exit
  Task* leader = nullptr;  // the task whose tid is the pid; a zombie leader stays until reaped
  bool leader_dead = false;
  Pid* process_group = nullptr;    // owned reference
  Pid* session = nullptr;          // owned reference
  bool is_subreaper = false;
  bool executed = false;           // setpgid(2): EACCES after exec
  enum class State : uint8_t { Live, Zombie, Reaped } state = State::Live;
  Signal exit_signal = Signal::Chld;
  int32_t exit_code = 0;           // wait status word
  uint64_t parent_exec_count = 0;  // of the parent when this was made: see exec_count
  uint64_t exec_count = 0;

  // --- Signals. Guards this group's queues, `handlers` itself, limits, and what Task says.
  mutable SpinLock<LockRank::Task> signal_lock;
  Ref<SignalHandlers> handlers GUARDED_BY(signal_lock);
  PendingSignals pending GUARDED_BY(signal_lock);
  Task* next_target GUARDED_BY(signal_lock) = nullptr;  // who was given the last group signal
  bool unkillable = false;         // init: no signal has its default action
  bool group_exiting = false;
  int32_t group_exit_code = 0;
  Task* exec_survivor = nullptr;   // the thread whose exec ends the others
  bool stopped = false;            // job control
  unsigned stopping = 0;           // threads still to stop
  Signal stop_signal = Signal::None;
  int32_t stop_code = 0;           // wait status of the last stop, for WUNTRACED; 0: reported
  bool continued = false;          // for WCONTINUED
  // Job-control changes that the next thread of the group to run tells the parent.
  bool tell_stopped = false;
  bool tell_continued = false;

  // Parents wait here for children; signalfd and pidfd poll here too.
  WaitQueue child_changed;
  WaitQueue signal_posted;         // signalfd
  WaitQueue threads_changed;       // exec waits for the others to end

  Limit limits[kResourceCount] GUARDED_BY(signal_lock);
  ResourceUsage dead_threads;      // of threads that have ended; tree lock
  ResourceUsage reaped_children;   // tree lock
  uint64_t max_resident_kib = 0;   // of address spaces left behind
  ProcessTimers* timers = nullptr; // process/
  bool dumpable = true;
  CoreDump* core_dump = nullptr;     // signal lock: its threads wait for it (process/core_dump.h)
  Atomic<uint32_t> core_filter{kDefaultCoreFilter};  // what goes into a core file
  int16_t oom_score_adjust = 0;
  int16_t oom_score_adjust_minimum = 0;
  uint32_t personality = 0;
  // Who logged in, and in which of the logins: audit's loginuid, see /proc/PID/loginuid.
  Atomic<uint32_t> login_uid{kNoLogin};
  Atomic<uint32_t> login_session{kNoLogin};
  static constexpr uint32_t kNoLogin = UINT32_MAX;
  bool no_huge_pages = false;      // PR_SET_THP_DISABLE
  uint64_t start_time_ns = 0;

  // An epoll set that another process has may still wait for signals here.
  static void last_unref(ThreadGroup* group) {
    group->signal_posted.release_waiters();
    retire_object(group);
  }

 private:
  friend class ProcessTree;
  friend class TaskFactory;
  explicit ThreadGroup(Ref<SignalHandlers> actions) : handlers(std::move(actions)) {}
  Pid* leader_pid_ = nullptr;      // owned reference
};

inline bool Task::is_group_leader() const { return group_->leader == this; }

namespace task {

// Tasks in the system, threads included.
extern Atomic<uint32_t> count;

Ref<Credentials> credentials_of(const Task& task);
Limit limit(const ThreadGroup& group, Resource resource);
// SAFETY: one word, as it was before or behind a change that is under way.
inline uint64_t soft_limit(const ThreadGroup& group,
                           Resource resource) NO_THREAD_SAFETY_ANALYSIS {
  return __atomic_load_n(&group.limits[static_cast<size_t>(resource)].soft, __ATOMIC_RELAXED);
}

// CPU time, faults and switches of one thread; of a process without and with those that have ended.
ResourceUsage usage_of(const Task& task);
ResourceUsage usage_of(ThreadGroup& group) EXCLUDES(tree_lock);
ResourceUsage usage_of_locked(ThreadGroup& group) REQUIRES(tree_lock);

// A reference on the task with this tid, on the process with this pid; empty: Srch to the caller.
Optional<Ref<Task>> find_task(PidNumber tid);
Optional<Ref<ThreadGroup>> find_group(PidNumber pid);

// The controlling terminal of a session; the terminal layer sets it.
Terminal* session_terminal(const Pid& session) REQUIRES(tree_lock);
void set_session_terminal(Pid& session, Terminal* terminal) REQUIRES(tree_lock);

// job control (setpgid(2), setsid(2)).
Result<> set_process_group(PidNumber pid, PidNumber group);
Result<PidNumber> new_session();
// The session of a process group; none when the group has no member any more.
Optional<Ref<Pid>> session_of_group(const Pid& process_group);
// The running task blocks the signal or its process ignores it: job control's test (tcsetpgrp(3)).
bool blocks_or_ignores(Signal signal);
// POSIX: no member has a parent outside the group but inside the session.
bool is_orphaned(const Pid& process_group);
Ref<Pid> process_group_of(const ThreadGroup& group);
Ref<Pid> session_of(const ThreadGroup& group);
// The session that a process group belongs to; empty when it has no member left.
Optional<Ref<Pid>> session_of_group(Pid& process_group);

}  // namespace task
}  // namespace kernel
