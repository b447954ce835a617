// SPDX-License-Identifier: MIT
// Posting: is the signal ignored, what does it cancel, on which queue, which thread takes it. A
// signal that will certainly kill ends the whole group at once, so that the sender finds it dying
// (signal(7)).

#include "task/signal_post.h"

#include "sched/scheduler.h"
#include "task/process_tree.h"

namespace kernel {
namespace {

enum class Scope : uint8_t { Thread, Group };

uint64_t handler_of(ThreadGroup& group, Signal signal) REQUIRES(group.signal_lock) {
  SignalHandlers& table = *group.handlers;
  Guard guard(table.lock);
  return table.actions[static_cast<unsigned>(signal)].handler;
}

bool is_ignored(const Task& task, ThreadGroup& group, Signal signal, bool forced)
    REQUIRES(group.signal_lock) {
  // A blocked signal stays: its action may be another when it is unblocked.
  if (task.blocked.has(signal) || task.waited.has(signal)) return false;
  uint64_t handler = handler_of(group, signal);
  if (group.unkillable && handler == kHandlerDefault && !(forced && kUnblockable.has(signal)))
    return true;
  if (handler != kHandlerDefault) return handler == kHandlerIgnore;
  DefaultAction action = default_action(signal);
  return action == DefaultAction::Ignore || action == DefaultAction::Continue;
}

// SIGCONT ends a stop even when it is blocked or ignored; a stop signal cancels a pending SIGCONT.
void apply_job_control(ThreadGroup& group, Signal signal) REQUIRES(group.signal_lock) {
  if (group.group_exiting) return;
  if (kStopSignals.has(signal)) {
    group.pending.remove(SignalSet{Signal::Cont});
    for (Task& task : group.threads) task.pending.remove(SignalSet{Signal::Cont});
    return;
  }
  if (signal != Signal::Cont) return;
  group.pending.remove(kStopSignals);
  for (Task& task : group.threads) {
    task.pending.remove(kStopSignals);
    task.stop_pending = task.stop_counted = task.stop_dequeued = false;
    task.wake_stopped();
  }
  if (group.stopped) {
    group.tell_continued = group.continued = true;
  } else if (group.stopping > 0) {
    group.tell_stopped = true;  // the stop was never completed, but it began
  }
  group.stopped = false;
  group.stopping = 0;
  group.stop_code = 0;
}

bool wants(const Task& task, Signal signal) {
  if (task.blocked.has(signal) || task.exiting) return false;
  if (signal == Signal::Kill) return true;
  if (task.state() == ThreadState::Stopped) return false;
  return task.is_running() || (task.work.load_relaxed() & kWorkSignal) == 0;
}

// Round robin from the thread that took the last one. Null: all block it or are busy with another.
Task* choose_thread(ThreadGroup& group, Task& preferred, Signal signal)
    REQUIRES(group.signal_lock) {
  if (wants(preferred, signal)) return &preferred;
  Task* start = group.next_target != nullptr ? group.next_target : group.threads.front();
  Task* at = start;
  while (at != nullptr) {
    if (wants(*at, signal)) return group.next_target = at;
    at = group.threads.next(*at);
    if (at == nullptr) at = group.threads.front();
    if (at == start) break;
  }
  return nullptr;
}

bool is_fatal(Task& task, ThreadGroup& group, Signal signal) REQUIRES(group.signal_lock) {
  if (group.group_exiting || task.waited.has(signal)) return false;
  if (signal == Signal::Kill) return true;
  // A core-dumping signal is left to its thread, which makes the report.
  return default_action(signal) == DefaultAction::Terminate &&
         handler_of(group, signal) == kHandlerDefault;
}

void wake_target(ThreadGroup& group, Task& target, Scope scope, Signal signal)
    REQUIRES(group.signal_lock) {
  Task* chosen = &target;
  if (scope == Scope::Group) {
    chosen = choose_thread(group, target, signal);
  } else if (!wants(target, signal)) {
    chosen = nullptr;
  }
  if (chosen == nullptr) return;
  if (is_fatal(*chosen, group, signal)) {
    kill_group_locked(group, static_cast<int32_t>(signal));
  } else {
    wake_for_signal(*chosen, signal == Signal::Kill ? WakeFor::Kill : WakeFor::Signal);
  }
}

// A queue entry within the quota of the target's user; empty without. `unlimited`: kill(2) and the
// kernel are not refused a standard signal. A timer's signal is part of the timer's own quota.
Optional<Owned<QueuedSignal>> make_entry(Task& target, ThreadGroup& group, const SignalInfo& info,
                                         bool unlimited) REQUIRES(group.signal_lock) {
  if (info.is_of_timer()) {
    Result<Owned<QueuedSignal>> made = make_owned<QueuedSignal>(info, Optional<Ref<UserAccount>>());
    if (made.ok()) return std::move(made).take();
    return {};
  }
  Ref<UserAccount> account = target.credentials().account;  // the spin lock is an RCU section
  uint64_t limit = group.limits[static_cast<size_t>(Resource::SigPending)].soft;
  uint64_t before = account->pending_signals.fetch_add_relaxed(1);
  if (unlimited || before < limit) {
    Result<Owned<QueuedSignal>> made = make_owned<QueuedSignal>(info, account);
    if (made.ok()) return std::move(made).take();
  }
  account->pending_signals.fetch_sub_relaxed(1);
  return {};
}

Result<> post_locked(ThreadGroup& group, Task& target, Scope scope, const SignalInfo& info,
                     bool forced) REQUIRES(group.signal_lock) {
  Signal signal = info.signal;
  apply_job_control(group, signal);
  if (is_ignored(target, group, signal, forced)) return {};
  PendingSignals& queue = scope == Scope::Group ? group.pending : target.pending;
  // Standard signals are queued once, but each timer has one entry of its own (timer_create(2)).
  if (!is_realtime(signal) && queue.has(signal) && !info.is_of_timer()) return {};
  Optional<Owned<QueuedSignal>> entry;
  if (signal != Signal::Kill) {
    entry = make_entry(target, group, info, !is_realtime(signal) && info.code >= 0);
    if (!entry && is_realtime(signal) && info.code != kSiUser && info.code != kSiKernel)
      return Errno::Again;
  }
  queue.add(signal, std::move(entry));
  group.signal_posted.wake();
  wake_target(group, target, scope, signal);
  return {};
}

}  // namespace

void wake_for_signal(Task& task, WakeFor reason) {
  bool kill = reason == WakeFor::Kill;
  task.work.fetch_or_acq_rel(kill ? kWorkSignal | kWorkKill : kWorkSignal);
  bool woken = kill ? task.wake_for_kill() : task.wake_for_signal();
  if (!woken) sched::kick(task);
}

Result<> post_signal(ThreadGroup& group, const SignalInfo& info) {
  Guard guard(group.signal_lock);
  if (group.leader == nullptr) return Errno::Srch;
  return post_locked(group, *group.leader, Scope::Group, info, false);
}

Result<> post_signal_to_task(Task& task, const SignalInfo& info) {
  ThreadGroup& group = task.group();
  Guard guard(group.signal_lock);
  return post_locked(group, task, Scope::Thread, info, false);
}

void force_signal(Task& task, const SignalInfo& info, ForceMode mode) {
  ThreadGroup& group = task.group();
  Guard guard(group.signal_lock);
  bool default_now;
  {
    SignalHandlers& table = *group.handlers;
    Guard table_guard(table.lock);
    uint64_t& handler = table.actions[static_cast<unsigned>(info.signal)].handler;
    if (task.blocked.has(info.signal) || handler == kHandlerIgnore || mode == ForceMode::Kill)
      handler = kHandlerDefault;
    default_now = handler == kHandlerDefault;
  }
  task.blocked.remove(info.signal);
  if (default_now) group.unkillable = false;  // even init cannot go on behind its own fault
  ignore(post_locked(group, task, Scope::Thread, info, true));
  update_signal_work_locked(task, group);
}

void force_fault(Task& task, Signal signal, int32_t code, uint64_t address, uint64_t syndrome) {
  // Without tag bits, as on Linux; si_addr keeps them for who asks (SA_EXPOSE_TAGBITS).
  task.fault_address = without_tag(address);
  task.fault_syndrome = syndrome;
  force_signal(task, SignalInfo{.signal = signal, .code = code, .value = address});
}

bool post_signal_to_group_locked(Pid& process_group, const SignalInfo& info) {
  bool found = false;
  ProcessTree::note_group_signal(process_group);
  for (ThreadGroup& group : ProcessTree::members(process_group)) {
    found = true;
    // A real-time signal without quota is lost for that member alone.
    ignore(post_signal(group, info));
  }
  return found;
}

bool post_signal_to_group(Pid& process_group, const SignalInfo& info) {
  Guard guard(task::tree_lock);
  return post_signal_to_group_locked(process_group, info);
}

SignalAction signal_action(ThreadGroup& group, Signal signal) {
  Guard guard(group.signal_lock);
  return group.handlers->get(signal);
}

SignalInfo kernel_signal(Signal signal) { return SignalInfo{.signal = signal, .code = kSiKernel}; }

void signal_self(Signal signal) {
  Task& task = current_task();
  ignore(post_signal_to_task(task, user_signal(task, signal)));
}

SignalInfo user_signal(const Task& sender, Signal signal, int32_t code) {
  return SignalInfo{
      .signal = signal, .code = code, .pid = sender.group().pid(), .uid = sender.credentials().uid};
}

bool may_signal(const Task& sender, ThreadGroup& target, Signal signal) {
  if (&sender.group() == &target) return true;
  const Credentials& mine = sender.credentials();
  if (mine.has(Capability::Kill)) return true;
  RcuReadGuard reading;
  const Task* leader = __atomic_load_n(&target.leader, __ATOMIC_ACQUIRE);
  if (leader == nullptr) return true;  // gone: the caller finds that out
  const Credentials& theirs = leader->credentials();
  if (mine.euid == theirs.suid || mine.euid == theirs.uid || mine.uid == theirs.suid ||
      mine.uid == theirs.uid)
    return true;
  return signal == Signal::Cont && __atomic_load_n(&sender.group().session, __ATOMIC_RELAXED) ==
                                       __atomic_load_n(&target.session, __ATOMIC_RELAXED);
}

void update_signal_work_locked(Task& task, ThreadGroup& group) {
  SignalSet ready = (task.pending.set() | group.pending.set()) & ~task.blocked;
  bool wanted = !ready.empty() || task.stop_pending || group.group_exiting || group.tell_stopped ||
                group.tell_continued ||
                (group.exec_survivor != nullptr && group.exec_survivor != &task);
  if (wanted) {
    task.work.fetch_or_relaxed(kWorkSignal);
  } else {
    // A mask that waits to be restored keeps the thread on the way through delivery.
    uint32_t done = task.restore_blocked ? kWorkKill : kWorkSignal | kWorkKill;
    task.work.fetch_and_relaxed(~done);
  }
}

void hand_over_signals_locked(Task& task, ThreadGroup& group, SignalSet signals) {
  SignalSet open = group.pending.set() & signals;
  if (open.empty()) return;
  for (Task& other : group.threads) {
    if (&other == &task || other.exiting || (open & ~other.blocked).empty()) continue;
    open = open & other.blocked;
    if ((other.work.load_relaxed() & kWorkSignal) == 0) wake_for_signal(other, WakeFor::Signal);
    if (open.empty()) return;
  }
}

void set_blocked(Task& task, SignalSet blocked) {
  ThreadGroup& group = task.group();
  blocked = blocked & ~kUnblockable;
  Guard guard(group.signal_lock);
  if ((task.work.load_relaxed() & kWorkSignal) != 0)
    hand_over_signals_locked(task, group, blocked & ~task.blocked);
  task.blocked = blocked;
  update_signal_work_locked(task, group);
}

// A fault of the present instruction first, then the thread's own, then the process's.
Signal take_signal_locked(Task& task, ThreadGroup& group, SignalSet blocked, SignalInfo& info) {
  PendingSignals* queue = &task.pending;
  Signal signal = queue->next_fault(blocked);
  if (signal == Signal::None) signal = queue->next(blocked);
  if (signal == Signal::None) {
    queue = &group.pending;
    signal = queue->next(blocked);
  }
  if (signal != Signal::None) info = queue->take(signal);
  update_signal_work_locked(task, group);
  return signal;
}

void discard_signal_locked(ThreadGroup& group, Signal signal) {
  group.pending.remove(SignalSet{signal});
  for (Task& task : group.threads) task.pending.remove(SignalSet{signal});
}

void kill_group_locked(ThreadGroup& group, int32_t exit_code) {
  if (group.group_exiting) return;
  group.group_exiting = true;
  group.group_exit_code = exit_code;
  group.stopped = group.continued = group.tell_stopped = group.tell_continued = false;
  group.stopping = 0;
  for (Task& task : group.threads) {
    task.stop_pending = task.stop_counted = task.stop_dequeued = false;
    if (task.exiting) continue;
    task.pending.add(Signal::Kill, {});
    wake_for_signal(task, WakeFor::Kill);
  }
}

void kill_group(ThreadGroup& group, Signal signal) {
  Guard guard(group.signal_lock);
  kill_group_locked(group, static_cast<int32_t>(signal));
}

}  // namespace kernel
