// SPDX-License-Identifier: MIT
// See fork.h. Everything that can fail happens on an unborn task; then, under the tree lock and the
// signal lock, it is linked, and only then started.

#include "process/fork.h"

#include "arch/irq_state.h"
#include "arch/user_registers.h"
#include "fs/vfs/fd_table.h"
#include "fs/vfs/fs_context.h"
#include "ipc/undo_sharing.h"
#include "process/job_control.h"
#include "process/pidfd.h"
#include "process/restartable_sequence.h"
#include "process/system_settings.h"
#include "process/task_factory.h"
#include "sched/completion.h"
#include "sched/scheduler.h"
#include "task/signal_post.h"
#include "vm/address_space.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

bool has(const CloneRequest& request, uint64_t flag) { return (request.flags & flag) != 0; }

// clone(2), "EINVAL"; namespaces are not there, as on a Linux configured without them.
Result<> check_flags(const Task& parent, const CloneRequest& request) {
  uint64_t flags = request.flags;
  if ((flags & kCloneFs) != 0 && (flags & (kCloneNewNs | kCloneNewUser)) != 0) return Errno::Inval;
  if ((flags & kCloneThread) != 0 && (flags & kCloneSigHand) == 0) return Errno::Inval;
  if ((flags & kCloneSigHand) != 0 && (flags & kCloneVm) == 0) return Errno::Inval;
  if ((flags & kCloneParent) != 0 && parent.group().is_init()) return Errno::Inval;
  if ((flags & kCloneThread) != 0 && (flags & (kCloneNewUser | kCloneNewPid)) != 0)
    return Errno::Inval;
  if ((flags & kClonePidFd) != 0) {
    if ((flags & (kCloneDetached | kCloneThread)) != 0) return Errno::Inval;
    if ((flags & kCloneParentSetTid) != 0 && request.pidfd == request.parent_tid)
      return Errno::Inval;
  }
  if ((flags & kCloneIntoCgroup) != 0) return Errno::BadF;  // no descriptor can be a cgroup
  uint64_t namespaces = flags & (kCloneNamespaces | kCloneNewTime);
  if (namespaces == 0) return {};
  if (namespaces != kCloneNewUser && !parent.credentials().has(Capability::SysAdmin))
    return Errno::Perm;
  return Errno::Inval;
}

// RLIMIT_NPROC, and the machine's own limit, which holds for root too: a fork bomb ends with
// EAGAIN.
Result<> check_limits(const Task& parent) {
  if (task::count.load_relaxed() >= settings::thread_limit()) return Errno::Again;
  const Credentials& credentials = parent.credentials();
  if (credentials.uid == 0 || credentials.has(Capability::SysResource) ||
      credentials.has(Capability::SysAdmin))
    return {};
  Limit limit = task::limit(parent.group(), Resource::Processes);
  if (credentials.account->processes.load_relaxed() >= limit.soft) return Errno::Again;
  return {};
}

Result<> copy_files(const Task& parent, Task& child, const CloneRequest& request) {
  if (has(request, kCloneFiles)) {
    child.files = Ref<FdTable>(*parent.files).leak();
  } else {
    child.files = TRY(parent.files->clone()).leak();
  }
  if (has(request, kCloneFs)) {
    child.fs_context = Ref<FsContext>(*parent.fs_context).leak();
  } else {
    child.fs_context = TRY(parent.fs_context->clone()).leak();
  }
  return {};
}

Result<> copy_memory(const Task& parent, Task& child, const CloneRequest& request) {
  if (has(request, kCloneVm)) {
    child.address_space = Ref<AddressSpace>(*parent.address_space).leak();
  } else {
    child.address_space = TRY(parent.address_space->fork()).leak();
  }
  return {};
}

Result<Ref<SignalHandlers>> copy_handlers(ThreadGroup& group, const CloneRequest& request) {
  Ref<SignalHandlers> present = [&group] {
    Guard guard(group.signal_lock);
    return group.handlers;
  }();
  if (has(request, kCloneSigHand)) return present;
  Ref<SignalHandlers> copy = TRY(present->clone());
  if (has(request, kCloneClearSigHand)) copy->reset_caught();
  return copy;
}

// The child's process: the parent's for a thread, else a new one with what a process inherits.
Result<Ref<ThreadGroup>> make_group(ThreadGroup& parent, const CloneRequest& request) {
  if (has(request, kCloneThread)) return Ref<ThreadGroup>(parent);
  Ref<ThreadGroup> group = TRY(TaskFactory::create_group(TRY(copy_handlers(parent, request))));
  {
    Guard guard(parent.signal_lock);
    Guard child_guard(group->signal_lock, 1);  // nobody else has it
    __builtin_memcpy(group->limits, parent.limits, sizeof group->limits);
  }
  group->exit_signal =
      has(request, kCloneParent) ? parent.exit_signal : static_cast<Signal>(request.exit_signal);
  group->dumpable = parent.dumpable;
  group->core_filter.store_relaxed(parent.core_filter.load_relaxed());
  group->oom_score_adjust = parent.oom_score_adjust;
  group->oom_score_adjust_minimum = parent.oom_score_adjust_minimum;
  group->personality = parent.personality;
  group->login_uid.store_relaxed(parent.login_uid.load_relaxed());
  group->login_session.store_relaxed(parent.login_session.load_relaxed());
  group->no_huge_pages = parent.no_huge_pages;
  return group;
}

void copy_registers(Task& parent, const arch::TrapFrame& frame, Task& child,
                    const CloneRequest& request) {
  arch::IrqState state = arch::disable_interrupts();
  arch::save_user_state(parent.user_state);
  arch::restore_interrupts(state);
  child.user_state = parent.user_state;
  if (has(request, kCloneSetTls))
    arch::set_thread_pointer(child.user_state, request.thread_pointer);

  arch::TrapFrame& child_frame = child.user_frame();
  child_frame = frame;
  arch::set_syscall_result(child_frame, 0);
  arch::end_syscall(child_frame);
  if (raw(request.stack_pointer) != 0) arch::set_stack_pointer(child_frame, request.stack_pointer);
}

void copy_attributes(const Task& parent, Task& child, const CloneRequest& request) {
  child.set_name(parent.name());
  child.inherit_scheduling(parent);
  child.blocked = parent.blocked;
  child.alt_stack = parent.alt_stack;
  // A thread on its parent's alternate stack would share it; a vfork child only borrows it.
  if (has(request, kCloneVm) && !has(request, kCloneVfork)) child.alt_stack = {.flags = 2};
  child.no_new_privileges = parent.no_new_privileges;
  child.timer_slack_ns = parent.timer_slack_ns;
  child.io_priority.store_relaxed(parent.io_priority.load_relaxed());
  if (!has(request, kCloneVm))
    set_restartable_area(child, parent.restartable_area, parent.restartable_signature);
  if (has(request, kCloneChildSetTid)) child.set_child_tid = request.child_tid;
  if (has(request, kCloneChildClearTid)) child.clear_child_tid = request.child_tid;
  child.machine_check_policy = parent.machine_check_policy;
  child.memory_flags |= parent.memory_flags & kMemoryTaggedAddresses;
#ifdef SAMARA_DEBUG
  child.allocations_until_failure.store_relaxed(parent.allocations_until_failure.load_relaxed());
#endif
  child.work.fetch_or_relaxed(parent.work.load_relaxed() & kWorkTraceSyscall);
}

uint64_t signals_seen(const ThreadGroup& group) {
  Guard guard(task::tree_lock);
  return ProcessTree::signals_seen(group);
}

// A signal to the whole process group that came while the child was made must reach parent and
// child: the parent takes it first and forks again.
Result<> link(Task& parent, Task& child, const CloneRequest& request, uint64_t seen_before) {
  ThreadGroup& mine = parent.group();
  Guard tree(task::tree_lock);
  Guard signals(mine.signal_lock);
  if (sched::kill_pending()) return Errno::RestartNoIntr;
  if (has(request, kCloneThread)) {
    join_stop_locked(child, mine);
    ProcessTree::add_thread(child, mine);
    return {};
  }
  if (ProcessTree::signals_seen(mine) != seen_before && sched::signal_pending())
    return Errno::RestartNoIntr;
  bool as_sibling = has(request, kCloneParent);
  ThreadGroup& new_parent = as_sibling ? *mine.parent : mine;
  child.group().parent_exec_count = new_parent.exec_count;
  ProcessTree::add_group(child.group(), child, &new_parent, as_sibling ? mine.parent_task : &parent,
                         *mine.process_group, *mine.session);
  return {};
}

void wait_for_vfork(Task& child, Completion& done) {
  if (done.wait(WaitMode::Killable).ok()) return;
  Guard guard(child.group().signal_lock);
  child.vfork_done = nullptr;  // `done` goes with our stack
}

}  // namespace

Result<PidNumber> clone_task(Task& parent, arch::TrapFrame& frame, const CloneRequest& request) {
  TRY(check_flags(parent, request));
  bool is_thread = has(request, kCloneThread);
  if (!is_thread && sched::signal_pending()) return Errno::RestartNoIntr;
  uint64_t seen_before = is_thread ? 0 : signals_seen(parent.group());
  TRY(check_limits(parent));

  UnbornTask child(
      TRY(TaskFactory::create(Ref<Credentials>(const_cast<Credentials&>(parent.credentials())))));
  TaskFactory::set_group(*child, TRY(make_group(parent.group(), request)));
  copy_attributes(parent, *child, request);
  TRY(copy_files(parent, *child, request));
  if (has(request, kCloneSysVSem))
    child->semaphore_undo = TRY(share_semaphore_undo(parent));
  TRY(copy_memory(parent, *child, request));
  copy_registers(parent, frame, *child, request);

  Ref<Pid> pid = TRY(request.set_tid ? Pid::allocate_number(*request.set_tid) : Pid::allocate());
  PidNumber number = pid->number();
  if (!is_thread) TaskFactory::set_leader_pid(child->group(), *pid);
  TaskFactory::set_pid(*child, pid);
  std::optional<ReservedPidFd> pidfd;
  if (has(request, kClonePidFd))
    pidfd.emplace(TRY(ReservedPidFd::reserve(parent, pid, request.pidfd)));

  Completion vfork_done;
  if (has(request, kCloneVfork)) child->vfork_done = &vfork_done;
  TRY(link(parent, *child, request, seen_before));

  Ref<Task> born = std::move(child).born();
  if (pidfd) pidfd->commit();
  if (has(request, kCloneParentSetTid))
    ignore(copy_out(request.parent_tid, &number, sizeof number));  // as Linux
  born->start();
  if (has(request, kCloneVfork)) wait_for_vfork(*born, vfork_done);
  return number;
}

}  // namespace kernel
