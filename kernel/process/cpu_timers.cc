// SPDX-License-Identifier: MIT
// What goes by CPU time, looked at by the tick of the running thread: ITIMER_VIRTUAL, ITIMER_PROF,
// POSIX timers on CPU clocks, RLIMIT_CPU, RLIMIT_RTTIME. As exact as the tick is.

#include "process/posix_timer.h"
#include "sched/scheduler.h"
#include "task/signal_post.h"

namespace kernel {

void ProcessTimers::update_cpu_active() {
  bool active = virtual_interval.expiry != 0 || profile_interval.expiry != 0;
  for (PosixTimer& timer : posix) active |= timer.is_armed_for_cpu();
  cpu_active.store_relaxed(active);
}

namespace process_timers {

namespace {

void check_interval(ThreadGroup& group, CpuInterval& timer, Nanoseconds now, Signal signal) {
  if (timer.expiry == 0 || now < timer.expiry) return;
  if (timer.interval == 0) {
    timer.expiry = 0;
  } else {
    timer.expiry += ((now - timer.expiry) / timer.interval + 1) * timer.interval;
  }
  ignore(post_signal(group, kernel_signal(signal)));
}

// A CPU timer of this process may measure another process or another thread: it fires when somebody
// of this process runs and finds it due.
void check_timers(ProcessTimers& timers, const ResourceUsage& usage) {
  Guard guard(timers.lock);
  check_interval(timers.group, timers.virtual_interval, usage.user_time_ns, Signal::VtAlrm);
  check_interval(timers.group, timers.profile_interval, usage.user_time_ns + usage.system_time_ns,
                 Signal::Prof);
  for (PosixTimer& timer : timers.posix) {
    if (!timer.is_armed_for_cpu()) continue;
    Nanoseconds now = timer.now();
    if (now >= timer.expiry_locked()) timer.fire_locked(now);
  }
  timers.update_cpu_active();
}

// getrlimit(2), RLIMIT_CPU and RLIMIT_RTTIME: SIGXCPU at the soft limit and each second behind it,
// SIGKILL at the hard one. `used` and `second` in the limit's unit.
void check_limit(ThreadGroup& group, Resource resource, uint64_t used, uint64_t second) {
  Signal signal = Signal::None;
  {
    Guard guard(group.signal_lock);
    Limit& limit = group.limits[static_cast<size_t>(resource)];
    if (used >= limit.hard) {
      signal = Signal::Kill;
    } else if (used >= limit.soft) {
      signal = Signal::Xcpu;
      limit.soft += second;
    }
  }
  if (signal != Signal::None) ignore(post_signal(group, kernel_signal(signal)));
}

// Interrupt context, masked.
void tick(Thread& thread, bool) {
  constexpr uint64_t kMicrosPerSecond = 1'000'000;
  ThreadGroup& group = static_cast<Task&>(thread).group();
  ProcessTimers* timers = ProcessTimers::peek(group);
  bool timed = timers != nullptr && timers->cpu_active.load_relaxed();
  bool limited, realtime_limited;
  {
    Guard guard(group.signal_lock);
    const Limit& cpu = group.limits[static_cast<size_t>(Resource::Cpu)];
    limited = cpu.soft != kUnlimited || cpu.hard != kUnlimited;
    realtime_limited = group.limits[static_cast<size_t>(Resource::RtTime)].soft != kUnlimited;
  }
  if (realtime_limited && thread.parameters().is_realtime())
    check_limit(group, Resource::RtTime, thread.run_time_since_wake() / 1000, kMicrosPerSecond);
  if (!timed && !limited) return;
  ResourceUsage usage = task::usage_of(group);
  if (timed) check_timers(*timers, usage);
  if (limited) {
    check_limit(group, Resource::Cpu,
                (usage.user_time_ns + usage.system_time_ns) / kNanosPerSecond, 1);
  }
}

}  // namespace

void init() { sched::set_tick_hook(tick); }

}  // namespace process_timers
}  // namespace kernel
