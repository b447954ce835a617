// SPDX-License-Identifier: MIT
// The timers of a process: the three interval timers (setitimer(2)), POSIX timers (timer_create(2))
// and the CPU-time limit. They signal; system calls are in syscall/interval_timers.cc and
// posix_timers.cc.
//
// Clock timers have a Timer each, whose callback comes in interrupt context. CPU-time timers are
// looked at by the tick of the threads that they measure. A periodic timer whose signal is still
// pending is not armed again until the signal is taken: what passed meanwhile is counted, never
// queued (SY8), and a short period cannot flood a CPU with interrupts.
//
// Locks: ProcessTimers::lock, then signal_lock (posting). Never the other way round: who takes a
// signal calls timer_signal_taken() after the signal lock.
#pragma once

#include "process/clock_id.h"
#include "task/signal.h"
#include "task/task.h"

namespace kernel {

struct TimerSetting {
  Nanoseconds value = 0;     // until it fires; 0: off
  Nanoseconds interval = 0;
};

// What a POSIX timer does when it fires.
struct TimerNotification {
  enum class Kind : uint8_t { None, Process, Thread } kind = Kind::Process;
  Signal signal = Signal::Alrm;
  uint64_t value = 0;        // sigval
  bool value_is_id = false;  // timer_create(2) without an event
  Optional<Ref<Task>> thread;
};

namespace process_timers {

// Boot, once: the tick of CPU-time timers.
void init();

enum class Interval : uint8_t { Real, Virtual, Profile };
inline constexpr size_t kIntervalCount = 3;
TimerSetting get_interval(ThreadGroup& group, Interval which);
// Returns the setting before. Error: NoMem.
Result<TimerSetting> set_interval(ThreadGroup& group, Interval which, TimerSetting setting);

// POSIX timers of the process. Errors: Again when it has too many, NoMem; Inval: no such timer.
Result<int32_t> create(ThreadGroup& group, ClockId clock, TimerNotification notification);
enum class When : uint8_t { Relative, Absolute };
Result<TimerSetting> set(ThreadGroup& group, int32_t id, TimerSetting setting, When when);
Result<TimerSetting> get(ThreadGroup& group, int32_t id);
Result<int32_t> overrun(ThreadGroup& group, int32_t id);
Result<> destroy(ThreadGroup& group, int32_t id);

// Whoever took a timer's signal off a pending queue, for itself or its reader: puts in
// the overrun count and arms the timer's next period. No lock held.
void timer_signal_taken(ThreadGroup& group, SignalInfo& info);

// After settimeofday: timers at absolute real times are armed anew, those of files as well.
void realtime_changed();

// execve: POSIX timers go, interval timers stay (timer_create(2), getitimer(2)). Thread context.
void exec(ThreadGroup& group);
// The last thread of the process has ended. Thread context.
void end(ThreadGroup& group);

}  // namespace process_timers
}  // namespace kernel
