// SPDX-License-Identifier: MIT
// Inside of the process timers: the objects. Nothing outside process_timers.cc, posix_timer.cc and
// cpu_timers.cc includes this.
#pragma once

#include "process/process_timers.h"

namespace kernel {

class PosixTimer final : public Timer, public ListNode<PosixTimer> {
 public:
  // `account` has counted its signal.
  PosixTimer(ProcessTimers& owner, int32_t id, ClockId clock, TimerNotification notification,
             Ref<UserAccount> account);
  ~PosixTimer() { account_->pending_signals.fetch_sub_relaxed(1); }

  int32_t id() const { return id_; }
  bool is_cpu() const { return clock_.is_cpu(); }
  const ClockId& clock() const { return clock_; }
  bool is_armed_for_cpu() const { return is_cpu() && armed_ && !awaiting_; }

  // The owner's lock is held for all of these. `now` is the timer's clock.
  TimerSetting get_locked(Nanoseconds now) const;
  void set_locked(TimerSetting setting, process_timers::When when, Nanoseconds now);
  void disarm_locked();
  // The clock passed the expiry: signals, and decides what is next.
  void fire_locked(Nanoseconds now);
  void rearm_for_realtime();
  void signal_taken_locked(SignalInfo& info, Nanoseconds now);
  int32_t overrun_locked() const { return clamp_overrun(overrun_); }
  Nanoseconds expiry_locked() const { return expiry_; }
  // The clock that the present setting runs on.
  Nanoseconds now() const;

 private:
  static void expire(Timer& timer);
  static int32_t clamp_overrun(uint64_t count);
  bool is_signal_queued() const;
  void post();
  void start_locked();
  uint64_t skip_periods_locked(Nanoseconds until);

  ProcessTimers& owner_;
  const int32_t id_;
  const ClockId clock_;
  const TimerNotification notification_;
  const Ref<UserAccount> account_;
  bool armed_ = false;
  bool awaiting_ = false;      // its signal is pending: the next period begins when it is taken
  bool on_monotonic_ = false;  // relative on a wall clock: not moved when that is set
  Nanoseconds expiry_ = 0;
  Nanoseconds interval_ = 0;
  uint64_t overrun_ = 0;       // of the signal taken last
};

struct CpuInterval {
  Nanoseconds expiry = 0;  // 0: off
  Nanoseconds interval = 0;
};

// The Timer base is ITIMER_REAL's.
struct ProcessTimers final : Timer, RcuHead, ListNode<ProcessTimers> {
  using Interval = process_timers::Interval;

  explicit ProcessTimers(ThreadGroup& owner);

  static Result<ProcessTimers*> of(ThreadGroup& group);
  static ProcessTimers* peek(const ThreadGroup& group);
  static void reclaim(RcuHead* head);
  static void expire_real(Timer& timer);

  static ClockId::CpuTime cpu_time_of(Interval which) {
    return which == Interval::Virtual ? ClockId::CpuTime::Virtual : ClockId::CpuTime::Profile;
  }
  CpuInterval& cpu_interval(Interval which) REQUIRES(lock) {
    return which == Interval::Virtual ? virtual_interval : profile_interval;
  }
  void update_cpu_active() REQUIRES(lock);
  PosixTimer* find(int32_t id) REQUIRES(lock);
  void destroy_posix();

  ThreadGroup& group;
  SpinLock<LockRank::ProcessTimers> lock;
  Nanoseconds real_expiry GUARDED_BY(lock) = 0;  // monotonic; 0: off
  Nanoseconds real_interval GUARDED_BY(lock) = 0;
  CpuInterval virtual_interval GUARDED_BY(lock);
  CpuInterval profile_interval GUARDED_BY(lock);
  List<PosixTimer> posix GUARDED_BY(lock);
  int32_t next_id GUARDED_BY(lock) = 0;
  Atomic<bool> cpu_active;  // the tick has something to look at

  static SpinLock<LockRank::ProcessTimers> all_lock;
  static List<ProcessTimers> all GUARDED_BY(all_lock);
};

}  // namespace kernel
