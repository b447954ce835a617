// SPDX-License-Identifier: MIT
// sigprocmask(2), sigpending(2), sigsuspend(2), sigwaitinfo(2).

#include "process/process_timers.h"
#include "sched/scheduler.h"
#include "syscall/declarations.h"
#include "task/signal_post.h"

namespace kernel::syscall {
namespace {

enum How : int32_t { kBlock = 0, kUnblock = 1, kSetMask = 2 };

// Sleeps until a signal may be taken or the time has come. True: woken.
bool sleep_for_signal(Deadline deadline) {
  bool woken = true;
  sched::set_state(ThreadState::Interruptible);
  if (!sched::signal_pending()) woken = sched::schedule_until(deadline);
  sched::set_state(ThreadState::Runnable);
  return woken;
}

Signal take(Task& task, SignalSet wanted, SignalInfo& info) {
  Guard guard(task.group().signal_lock);
  return take_signal_locked(task, task.group(), ~wanted, info);
}

// The wanted signals are let in for the wait, so that a sender chooses this thread and wakes it;
// what is not wanted stays blocked as it was.
bool wait_for_one(Task& task, SignalSet wanted, Deadline deadline) {
  ThreadGroup& group = task.group();
  SignalSet before = task.blocked;
  {
    Guard guard(group.signal_lock);
    task.waited = before & wanted;
    task.blocked = before & ~wanted;
    update_signal_work_locked(task, group);
  }
  bool woken = sleep_for_signal(deadline);
  Guard guard(group.signal_lock);
  task.waited = SignalSet();
  task.blocked = before;
  return woken;
}

}  // namespace

Value sys_rt_sigprocmask(Context& context, int32_t how, UserIn<uint64_t> set, UserOut<uint64_t> old,
                         size_t size) {
  if (size != sizeof(uint64_t)) return Errno::Inval;
  SignalSet before = context.task.blocked;
  if (!set.is_null()) {
    SignalSet given(TRY(set.read()));
    given = given & ~kUnblockable;
    switch (how) {
      case kBlock: set_blocked(context.task, before | given); break;
      case kUnblock: set_blocked(context.task, before & ~given); break;
      case kSetMask: set_blocked(context.task, given); break;
      default: return Errno::Inval;
    }
  }
  if (!old.is_null()) TRY(old.write(before.bits()));
  return 0;
}

Value sys_rt_sigpending(Context& context, UserAddr set, size_t size) {
  if (size > sizeof(uint64_t)) return Errno::Inval;
  Task& task = context.task;
  uint64_t pending;
  {
    Guard guard(task.group().signal_lock);
    pending = ((task.pending.set() | task.group().pending.set()) & task.blocked).bits();
  }
  TRY(copy_out(set, &pending, size));
  return 0;
}

Value sys_rt_sigsuspend(Context& context, UserIn<uint64_t> mask, size_t size) {
  if (size != sizeof(uint64_t)) return Errno::Inval;
  SignalSet given(TRY(mask.read()));
  Task& task = context.task;
  task.saved_blocked = task.blocked;
  set_blocked(task, given);
  while (!sched::signal_pending()) sleep_for_signal(Deadline::never());
  task.restore_blocked = true;
  return Errno::RestartNoHand;
}

Value sys_rt_sigtimedwait(Context& context, UserIn<uint64_t> set, UserAddr user_info,
                          UserIn<abi::TimeSpec> timeout, size_t size) {
  if (size != sizeof(uint64_t)) return Errno::Inval;
  SignalSet wanted = SignalSet(TRY(set.read())) & ~kUnblockable;
  Deadline deadline = Deadline::never();
  bool may_wait = true;
  if (!timeout.is_null()) {
    abi::TimeSpec time = TRY(timeout.read());
    if (!time.is_valid()) return Errno::Inval;
    may_wait = time.to_ns() != 0;
    deadline = Deadline::after(time.to_ns());
  }
  Task& task = context.task;
  SignalInfo info;
  Signal taken = take(task, wanted, info);
  bool woken = false;
  if (taken == Signal::None && may_wait) {
    woken = wait_for_one(task, wanted, deadline);
    taken = take(task, wanted, info);
  }
  if (taken == Signal::None) return woken ? Errno::Intr : Errno::Again;
  if (info.is_of_timer()) process_timers::timer_signal_taken(task.group(), info);
  if (raw(user_info) != 0) {
    UserSignalInfo encoded = encode_signal_info(info);
    TRY(copy_out(user_info, &encoded, sizeof encoded));
  }
  return static_cast<int64_t>(taken);
}

}  // namespace kernel::syscall
