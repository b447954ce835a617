// SPDX-License-Identifier: MIT
// Process groups and sessions: setpgid(2), setsid(2), controlling terminals.

#include "task/process_tree.h"

namespace kernel::task {
namespace {

// setpgid(2)'s conditions on the process that is moved.
Result<> check_movable_locked(ThreadGroup& mover, ThreadGroup& group) REQUIRES(tree_lock) {
  if (group.parent == &mover) {
    if (group.session != mover.session) return Errno::Perm;
    if (group.executed) return Errno::Acces;
  } else if (&group != &mover) {
    return Errno::Srch;
  }
  if (group.session == &group.leader_pid()) return Errno::Perm;
  return {};
}

Ref<Pid> stable_reference(Pid* const& field) {
  for (;;) {
    RcuReadGuard reading;
    Pid* pid = __atomic_load_n(&field, __ATOMIC_ACQUIRE);
    if (pid->try_ref()) return Ref<Pid>::adopt(*pid);
  }
}

}  // namespace

Result<> set_process_group(PidNumber pid, PidNumber group_number) {
  ThreadGroup& mover = current_task().group();
  if (pid == 0) pid = mover.pid();
  if (group_number == 0) group_number = pid;
  if (group_number < 0) return Errno::Inval;
  Optional<Ref<Pid>> target = Pid::find(pid);
  Optional<Ref<Pid>> wanted = Pid::find(group_number);
  if (!target) return Errno::Srch;
  Pid* old = nullptr;
  {
    Guard guard(tree_lock);
    if (target->task() == nullptr) return Errno::Srch;
    ThreadGroup* group = target->thread_group();
    if (group == nullptr) return Errno::Inval;  // a thread, not a process
    TRY(check_movable_locked(mover, *group));
    if (!wanted) return Errno::Perm;
    if (group_number != pid) {
      ThreadGroup* member = ProcessTree::members(*wanted).front();
      if (member == nullptr || member->session != mover.session) return Errno::Perm;
    }
    if (group->process_group == wanted.get()) return {};
    old = ProcessTree::move_to_group(*group, *wanted);
  }
  old->unref();
  return {};
}

Result<PidNumber> new_session() {
  ThreadGroup& group = current_task().group();
  Pid& pid = group.leader_pid();
  Pid* old_group = nullptr;
  Pid* old_session = nullptr;
  {
    Guard guard(tree_lock);
    if (group.session == &pid || ProcessTree::members(pid).front() != nullptr) return Errno::Perm;
    old_group = ProcessTree::move_to_group(group, pid);
    old_session = ProcessTree::move_to_session(group, pid);
  }
  old_group->unref();
  old_session->unref();
  return pid.number();
}

bool is_orphaned(const Pid& process_group) {
  Guard guard(tree_lock);
  return ProcessTree::is_orphaned(const_cast<Pid&>(process_group), nullptr);
}

Ref<Pid> process_group_of(const ThreadGroup& group) {
  return stable_reference(group.process_group);
}
Ref<Pid> session_of(const ThreadGroup& group) { return stable_reference(group.session); }

Optional<Ref<Pid>> session_of_group(Pid& process_group) {
  Guard guard(tree_lock);
  ThreadGroup* member = ProcessTree::members(process_group).front();
  if (member == nullptr) return {};
  return Ref<Pid>(*member->session);
}

Terminal* session_terminal(const Pid& session) {
  return ProcessTree::terminal(const_cast<Pid&>(session));
}

void set_session_terminal(Pid& session, Terminal* terminal) {
  ProcessTree::terminal(session) = terminal;
}

bool blocks_or_ignores(Signal signal) {
  Task& task = current_task();
  Guard guard(task.group().signal_lock);
  return task.blocked.has(signal) || task.group().handlers->get(signal).handler == kHandlerIgnore;
}

}  // namespace kernel::task
