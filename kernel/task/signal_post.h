// SPDX-License-Identifier: MIT
// Sending signals. Any thread context and timer callbacks; takes the signal lock of the target.
#pragma once

#include "task/task.h"

namespace kernel {

// To a process: any thread that does not block it. To one thread. Without permission check.
// Errors: Again when a queued (not kill-like) real-time signal exceeds RLIMIT_SIGPENDING.
Result<> post_signal(ThreadGroup& group, const SignalInfo& info);
Result<> post_signal_to_task(Task& task, const SignalInfo& info);
// For the running task's own faults: cannot be blocked or ignored; a blocked or ignored one kills
// (force_sig). Without `keep_handler` even a handled one does (force_fatal_sig).
enum class ForceMode : uint8_t { Deliver, Kill };
void force_signal(Task& task, const SignalInfo& info, ForceMode mode = ForceMode::Deliver);
// The same for an exception of user mode: `address` is si_addr, `syndrome` goes into the signal
// frame.
void force_fault(Task& task, Signal signal, int32_t code, uint64_t address, uint64_t syndrome);
// Every member of a process group; true when there was one. Terminals and kill(-pgrp).
bool post_signal_to_group(Pid& process_group, const SignalInfo& info);
bool post_signal_to_group_locked(Pid& process_group, const SignalInfo& info)
    REQUIRES(task::tree_lock);
// SIGINT from a terminal and the like: SI_KERNEL.
SignalInfo kernel_signal(Signal signal);
// SIGPIPE and SIGXFSZ: to the running thread, as if it had sent it. The call's error tells as well.
void signal_self(Signal signal);
// From one task to another: pid and uid of the sender filled in.
SignalInfo user_signal(const Task& sender, Signal signal, int32_t code = kSiUser);

// kill(2)'s permission rule, SIGCONT within the session included.
bool may_signal(const Task& sender, ThreadGroup& target, Signal signal);

// What the process does on the signal, as of now.
SignalAction signal_action(ThreadGroup& group, Signal signal);

// --- For delivery and for calls that change masks (process/, syscall/).

// Sets or clears kWorkSignal as what is pending and not blocked says. `task` is the running one, or
// one that is not running yet.
void update_signal_work_locked(Task& task, ThreadGroup& group) REQUIRES(group.signal_lock);
// Changes the mask of the running task; signals that another thread could now take are handed over.
void set_blocked(Task& task, SignalSet blocked);
// The group's signals among `signals` that `task` will not take: wakes others that can.
void hand_over_signals_locked(Task& task, ThreadGroup& group, SignalSet signals)
    REQUIRES(group.signal_lock);
// Takes one signal out of the running task's queues, or its process's, that is not in `blocked`;
// None. Whoever gets a timer's calls process_timers::timer_signal_taken() behind the
// lock.
Signal take_signal_locked(Task& task, ThreadGroup& group, SignalSet blocked, SignalInfo& info)
    REQUIRES(group.signal_lock);
// sigaction(2): a signal that becomes ignored is no longer pending anywhere in the process.
void discard_signal_locked(ThreadGroup& group, Signal signal) REQUIRES(group.signal_lock);
// Ends every thread of the group with this wait status; the first to say so wins.
void kill_group_locked(ThreadGroup& group, int32_t exit_code) REQUIRES(group.signal_lock);
// Even init: the out-of-memory killer's.
void kill_group(ThreadGroup& group, Signal signal);
// Wakes a thread so that it looks at its signals; `Kill` ends killable sleeps as well.
enum class WakeFor : uint8_t { Signal, Kill };
void wake_for_signal(Task& task, WakeFor reason);

}  // namespace kernel
