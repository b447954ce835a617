// SPDX-License-Identifier: MIT
// See process_timers.h. Interval timers, the object that holds all timers of a process, and its
// life.

#include "process/process_timers.h"

#include "fs/event/timerfd.h"
#include "process/posix_timer.h"
#include "sched/scheduler.h"
#include "task/signal_post.h"

namespace kernel {

constinit SpinLock<LockRank::ProcessTimers> ProcessTimers::all_lock;
constinit List<ProcessTimers> ProcessTimers::all;

ProcessTimers::ProcessTimers(ThreadGroup& owner) : Timer(expire_real), group(owner) {}

// Made by the first call that needs it. Readers in interrupts find it without a lock.
Result<ProcessTimers*> ProcessTimers::of(ThreadGroup& group) {
  if (ProcessTimers* present = peek(group)) return present;
  Owned<ProcessTimers> made = TRY(make_owned<ProcessTimers>(group));
  ProcessTimers* expected = nullptr;
  if (!__atomic_compare_exchange_n(&group.timers, &expected, made.get(), false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_ACQUIRE)) {
    return expected;  // another thread of the process was first
  }
  ProcessTimers* timers = std::move(made).leak();
  Guard guard(all_lock);
  all.push_back(*timers);
  return timers;
}

ProcessTimers* ProcessTimers::peek(const ThreadGroup& group) {
  return __atomic_load_n(&group.timers, __ATOMIC_ACQUIRE);
}

// While its signal is pending, the timer looks again only now and then: a short period with a
// blocked signal costs next to nothing.
void ProcessTimers::expire_real(Timer& timer) {
  constexpr Nanoseconds kPendingPause = 1'000'000;
  auto& self = static_cast<ProcessTimers&>(timer);
  Guard guard(self.lock);
  Nanoseconds now = clock::monotonic();
  if (self.real_expiry == 0 || self.real_expiry > now) return;  // set anew in between
  bool pending;
  {
    Guard signals(self.group.signal_lock);
    pending = self.group.pending.has(Signal::Alrm);
  }
  if (!pending)
    ignore(post_signal(self.group, kernel_signal(Signal::Alrm)));  // dropped: it is dying
  if (self.real_interval == 0) {
    self.real_expiry = 0;
    return;
  }
  Nanoseconds earliest = pending ? now + kPendingPause : now;
  Nanoseconds periods = (earliest - self.real_expiry) / self.real_interval + 1;
  self.real_expiry += periods * self.real_interval;
  self.arm({self.real_expiry});
}

void ProcessTimers::reclaim(RcuHead* head) { delete static_cast<ProcessTimers*>(head); }

namespace process_timers {

namespace {

// Time left, at least one unit that the caller shows as not zero: an armed timer is not off.
Nanoseconds left(Nanoseconds expiry, Nanoseconds now, Nanoseconds least) {
  if (expiry == 0) return 0;
  return expiry > now ? expiry - now : least;
}

constexpr Nanoseconds kMicrosecond = 1000;

}  // namespace

TimerSetting get_interval(ThreadGroup& group, Interval which) {
  ProcessTimers* timers = ProcessTimers::peek(group);
  if (timers == nullptr) return {};
  if (which == Interval::Real) {
    Guard guard(timers->lock);
    return {left(timers->real_expiry, clock::monotonic(), kMicrosecond), timers->real_interval};
  }
  Nanoseconds now = process_clock::cpu_time(group, ProcessTimers::cpu_time_of(which));
  Guard guard(timers->lock);
  const CpuInterval& timer = timers->cpu_interval(which);
  return {left(timer.expiry, now, clock::kCoarseResolution), timer.interval};
}

Result<TimerSetting> set_interval(ThreadGroup& group, Interval which, TimerSetting setting) {
  if (ProcessTimers::peek(group) == nullptr && setting.value == 0) return TimerSetting{};
  ProcessTimers* timers = TRY(ProcessTimers::of(group));
  if (which == Interval::Real) {
    Guard guard(timers->lock);
    Nanoseconds now = clock::monotonic();
    TimerSetting old{left(timers->real_expiry, now, kMicrosecond), timers->real_interval};
    timers->real_interval = setting.value == 0 ? 0 : setting.interval;
    timers->real_expiry = setting.value == 0 ? 0 : Deadline::after(setting.value).at;
    if (setting.value == 0) {
      timers->cancel();  // a callback under way finds expiry 0
    } else {
      timers->arm({timers->real_expiry});
    }
    return old;
  }
  Nanoseconds now = process_clock::cpu_time(group, ProcessTimers::cpu_time_of(which));
  Guard guard(timers->lock);
  CpuInterval& timer = timers->cpu_interval(which);
  TimerSetting old{left(timer.expiry, now, clock::kCoarseResolution), timer.interval};
  timer = setting.value == 0 ? CpuInterval{} : CpuInterval{now + setting.value, setting.interval};
  timers->update_cpu_active();
  return old;
}

void realtime_changed() {
  timerfd::realtime_changed();
  Guard guard(ProcessTimers::all_lock);
  for (ProcessTimers& timers : ProcessTimers::all) {
    Guard inner(timers.lock, 1);
    for (PosixTimer& timer : timers.posix) timer.rearm_for_realtime();
  }
}

void exec(ThreadGroup& group) {
  ProcessTimers* timers = ProcessTimers::peek(group);
  if (timers != nullptr) timers->destroy_posix();
}

void end(ThreadGroup& group) {
  ProcessTimers* timers = __atomic_exchange_n(&group.timers, nullptr, __ATOMIC_ACQ_REL);
  if (timers == nullptr) return;
  {
    Guard guard(ProcessTimers::all_lock);
    ProcessTimers::all.remove(*timers);
  }
  {
    Guard guard(timers->lock);
    timers->real_expiry = 0;
  }
  timers->cancel_and_wait();
  timers->destroy_posix();
  retire(*timers, ProcessTimers::reclaim);  // a tick on another CPU may be looking at it
}

}  // namespace process_timers
}  // namespace kernel
