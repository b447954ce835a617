// SPDX-License-Identifier: MIT
// The way back to user mode: reschedule, stop, take signals one by one, run handlers or die
// (signal(7)), and decide whether an interrupted system call starts again. Nothing else moves the
// PC back (KB4).

#include "arch/entry.h"
#include "lib/log.h"
#include "process/core_dump.h"
#include "process/exit.h"
#include "process/fault_report.h"
#include "process/job_control.h"
#include "process/notify.h"
#include "process/process_timers.h"
#include "process/restartable_sequence.h"
#include "process/signal_frame.h"
#include "sched/scheduler.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

constexpr uint64_t kRestartSyscallNumber = 128;
constexpr uint32_t kReturnWork = kWorkReschedule | kWorkSignal | kWorkKill | kWorkSwitched;

enum class Step : uint8_t {
  Nothing,
  Handler,
  Again,
  Stop,
  CheckOrphan,
  TellStopped,
  TellContinued,
  Die
};

struct Examination {
  Step step = Step::Nothing;
  Caught caught;
  int32_t exit_code = 0;
};

SignalAction take_action_locked(ThreadGroup& group, Signal signal) REQUIRES(group.signal_lock) {
  SignalHandlers& table = *group.handlers;
  Guard guard(table.lock);
  SignalAction& action = table.actions[static_cast<unsigned>(signal)];
  SignalAction taken = action;
  if (taken.handler > kHandlerIgnore && (taken.flags & kSaResetHand) != 0)
    action.handler = kHandlerDefault;
  return taken;
}

Step default_step(Task& task, ThreadGroup& group, Signal signal) REQUIRES(group.signal_lock) {
  DefaultAction action = default_action(signal);
  if (action == DefaultAction::Ignore || action == DefaultAction::Continue) return Step::Again;
  if (group.unkillable && !kUnblockable.has(signal)) return Step::Again;
  if (action != DefaultAction::Stop) return Step::Die;
  task.stop_dequeued = true;
  if (signal != Signal::Stop) return Step::CheckOrphan;
  begin_stop_locked(task, group, signal);
  return Step::Again;
}

void examine_locked(Task& task, ThreadGroup& group, Examination& result)
    REQUIRES(group.signal_lock) {
  result.step = Step::Die;
  if (group.group_exiting) {
    result.caught.info.signal = Signal::None;  // the report is made by who began it
    result.exit_code = group.group_exit_code;
    return;
  }
  if (group.exec_survivor != nullptr && group.exec_survivor != &task) {
    result.exit_code = static_cast<int32_t>(Signal::Kill);
    return;
  }
  if (group.tell_stopped || group.tell_continued) {
    result.step = group.tell_continued ? Step::TellContinued : Step::TellStopped;
    group.tell_stopped = group.tell_continued = false;
    return;
  }
  if (task.stop_pending) {
    result.step = Step::Stop;
    return;
  }
  Signal signal = take_signal_locked(task, group, task.blocked, result.caught.info);
  if (signal == Signal::None) {
    result.step = Step::Nothing;
    return;
  }
  result.caught.action = take_action_locked(group, signal);
  if (result.caught.action.handler == kHandlerIgnore) {
    result.step = Step::Again;
  } else if (result.caught.action.handler == kHandlerDefault) {
    result.step = default_step(task, group, signal);
    result.exit_code = static_cast<int32_t>(signal);
  } else {
    result.step = Step::Handler;
  }
}

void stop_unless_orphaned(Task& task, ThreadGroup& group, Signal signal) {
  if (task::is_orphaned(*task::process_group_of(group))) return;
  Guard guard(group.signal_lock);
  begin_stop_locked(task, group, signal);
}

bool carries_address(const SignalInfo& info) {
  return kSynchronous.has(info.signal) && info.code > kSiUser && info.code < kSiKernel;
}

enum class Restart : uint8_t { None, Always, IfFlagged, IfNoHandler, Block };

Restart restart_wish(const arch::TrapFrame& frame) {
  if (!arch::in_syscall(frame)) return Restart::None;
  switch (static_cast<Errno>(-arch::syscall_result(frame))) {
    case Errno::RestartSys: return Restart::IfFlagged;
    case Errno::RestartNoIntr: return Restart::Always;
    case Errno::RestartNoHand: return Restart::IfNoHandler;
    case Errno::RestartBlock: return Restart::Block;
    default: return Restart::None;
  }
}

// As if no signal had come.
void restart_syscall(arch::TrapFrame& frame) {
  Restart wish = restart_wish(frame);
  if (wish == Restart::Block) {
    arch::rewind_syscall(frame, kRestartSyscallNumber);
  } else if (wish != Restart::None) {
    arch::rewind_syscall(frame, arch::syscall_number(frame));
  }
  arch::end_syscall(frame);
}

// True: a handler is to run. Does not return when a signal ends the process.
bool next_caught(Task& task, arch::TrapFrame& frame, Examination& found) {
  ThreadGroup& group = task.group();
  for (;; found = {}) {
    {
      Guard guard(group.signal_lock);
      examine_locked(task, group, found);
    }
    // Whatever becomes of the signal: the timer's next period begins.
    SignalInfo& info = found.caught.info;
    if (info.signal != Signal::None && info.is_of_timer())
      process_timers::timer_signal_taken(group, info);
    switch (found.step) {
      case Step::Nothing: return false;
      case Step::Handler:
        if ((found.caught.action.flags & kSaExposeTagBits) == 0 && carries_address(info))
          info.value = without_tag(info.value);
        return true;
      case Step::Again: break;
      case Step::Stop: stop_here(task); break;
      case Step::CheckOrphan: stop_unless_orphaned(task, group, found.caught.info.signal); break;
      case Step::TellStopped: notify_parent_of_job_change(group, JobChange::Stopped); break;
      case Step::TellContinued: notify_parent_of_job_change(group, JobChange::Continued); break;
      case Step::Die:
        restart_syscall(frame);  // the registers that a core file shows
        report_fatal_signal(task, frame, found.caught.info);
        if (info.signal != Signal::None && default_action(info.signal) == DefaultAction::Core)
          dump_core(task, info, found.exit_code);
        exit_group(found.exit_code);
    }
  }
}

void refresh_restartable(Task& task, arch::TrapFrame& frame, Signal cause) {
  if (update_restartable_sequence(task, frame).ok()) return;
  ForceMode mode = cause == Signal::Segv ? ForceMode::Kill : ForceMode::Deliver;
  force_signal(task, kernel_signal(Signal::Segv), mode);
}

void run_handler(Task& task, arch::TrapFrame& frame, const Caught& caught) {
  Restart wish = restart_wish(frame);
  if (wish == Restart::Always ||
      (wish == Restart::IfFlagged && (caught.action.flags & kSaRestart) != 0)) {
    arch::rewind_syscall(frame, arch::syscall_number(frame));
  } else if (wish != Restart::None) {
    arch::set_syscall_result(frame, -static_cast<int64_t>(Errno::Intr));
  }
  arch::end_syscall(frame);
  if (task.notes_switches) refresh_restartable(task, frame, caught.info.signal);
  if (!enter_handler(task, frame, caught).ok()) {
    // The handler cannot run: SIGSEGV instead, fatal when that is what could not run.
    ForceMode mode = caught.info.signal == Signal::Segv ? ForceMode::Kill : ForceMode::Deliver;
    force_signal(task, kernel_signal(Signal::Segv), mode);
    return;
  }
  task.restore_blocked = false;
  SignalSet blocked = task.blocked | caught.action.mask;
  if ((caught.action.flags & kSaNoDefer) == 0) blocked.add(caught.info.signal);
  set_blocked(task, blocked);
  if ((task.alt_stack.flags & kStackAutoDisarm) != 0) task.alt_stack = {.flags = kStackDisable};
}

void finish_without_handler(Task& task, arch::TrapFrame& frame) {
  restart_syscall(frame);
  if (!task.restore_blocked) return;
  task.restore_blocked = false;
  set_blocked(task, task.saved_blocked);
}

void handle_signals(Task& task, arch::TrapFrame& frame) {
  Examination found;
  if (next_caught(task, frame, found)) {
    run_handler(task, frame, found.caught);
  } else {
    finish_without_handler(task, frame);
  }
}

}  // namespace

void handle_user_return_work(arch::TrapFrame& frame) {
  Task& task = current_task();
  for (;;) {
    arch::disable_interrupts();
    uint32_t work = task.work.load_acquire() & kReturnWork;
    if (work == 0) return;
    arch::enable_interrupts();
    if ((work & kWorkReschedule) != 0) preempt_schedule();
    if ((work & (kWorkSignal | kWorkKill)) != 0) handle_signals(task, frame);
    if ((work & kWorkSwitched) != 0) refresh_restartable(task, frame, Signal::None);
  }
}

}  // namespace kernel
