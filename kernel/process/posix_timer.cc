// SPDX-License-Identifier: MIT
// POSIX timers: see process_timers.h.

#include "process/posix_timer.h"

#include "task/signal_post.h"

namespace kernel {

using process_timers::When;

PosixTimer::PosixTimer(ProcessTimers& owner, int32_t id, ClockId clock,
                       TimerNotification notification, Ref<UserAccount> account)
    : Timer(expire),
      owner_(owner),
      id_(id),
      clock_(std::move(clock)),
      notification_(std::move(notification)),
      account_(std::move(account)) {}

Nanoseconds PosixTimer::now() const { return on_monotonic_ ? clock::monotonic() : clock_.now(); }

TimerSetting PosixTimer::get_locked(Nanoseconds now) const {
  if (!armed_ && interval_ == 0) return {};
  Nanoseconds expiry = expiry_;
  // Periods that passed while the signal was pending, or that nobody is told of, count as gone.
  if (interval_ != 0 && expiry <= now) expiry += ((now - expiry) / interval_ + 1) * interval_;
  if (expiry > now) return {expiry - now, interval_};
  return {notification_.kind == TimerNotification::Kind::None ? 0u : 1u, interval_};
}

void PosixTimer::disarm_locked() {
  armed_ = awaiting_ = false;
  expiry_ = interval_ = 0;
  cancel();  // a callback under way finds armed_ false
}

void PosixTimer::set_locked(TimerSetting setting, When when, Nanoseconds now) {
  disarm_locked();
  overrun_ = 0;
  if (setting.value == 0) return;
  expiry_ = setting.value;
  if (when == When::Relative && __builtin_add_overflow(now, setting.value, &expiry_))
    expiry_ = kForever;
  interval_ = setting.interval;
  on_monotonic_ = when == When::Relative && !clock_.is_cpu();
  armed_ = true;
  start_locked();
}

// A timer that tells nobody only counts.
void PosixTimer::start_locked() {
  if (is_cpu() || notification_.kind == TimerNotification::Kind::None) return;
  arm(on_monotonic_ ? Deadline{expiry_} : clock_.deadline_of(expiry_));
}

void PosixTimer::rearm_for_realtime() {
  if (armed_ && !awaiting_ && !on_monotonic_ && clock_.base != ClockId::Base::Monotonic)
    start_locked();
}

void PosixTimer::expire(Timer& timer) {
  auto& self = static_cast<PosixTimer&>(timer);
  Guard guard(self.owner_.lock);
  Nanoseconds now = self.now();
  if (!self.armed_ || self.awaiting_) return;  // set anew in between
  if (self.expiry_ > now) {
    self.start_locked();  // likewise, or the wall clock was set back
  } else {
    self.fire_locked(now);
  }
}

void PosixTimer::fire_locked(Nanoseconds now) {
  constexpr Nanoseconds kIgnoredPause = 1'000'000;
  if (notification_.kind == TimerNotification::Kind::None) return;
  bool pending = is_signal_queued();  // of an earlier setting
  if (!pending) post();
  if (interval_ == 0) {
    armed_ = false;
  } else if (is_signal_queued()) {
    awaiting_ = true;
  } else {
    // Ignored, or taken already: the period goes on, but not at any rate.
    skip_periods_locked(now + kIgnoredPause);
    start_locked();
  }
}

void PosixTimer::signal_taken_locked(SignalInfo& info, Nanoseconds now) {
  overrun_ = 0;
  if (awaiting_) {
    awaiting_ = false;
    if (now >= expiry_) overrun_ = skip_periods_locked(now) - 1;
    start_locked();
  }
  info.overrun = overrun_locked();
}

// The expiry becomes the first one behind `until`; returns by how many periods.
uint64_t PosixTimer::skip_periods_locked(Nanoseconds until) {
  uint64_t periods = until >= expiry_ ? (until - expiry_) / interval_ + 1 : 0;
  expiry_ += periods * interval_;
  return periods;
}

int32_t PosixTimer::clamp_overrun(uint64_t count) {
  constexpr uint64_t kDelayTimerMax = 0x7fff'ffff;
  return static_cast<int32_t>(count < kDelayTimerMax ? count : kDelayTimerMax);
}

bool PosixTimer::is_signal_queued() const {
  ThreadGroup& group = owner_.group;
  Guard guard(group.signal_lock);
  if (notification_.kind == TimerNotification::Kind::Process) return group.pending.has_timer(id_);
  return notification_.thread->pending.has_timer(id_);
}

void PosixTimer::post() {
  SignalInfo info{.signal = notification_.signal, .code = kSiTimer};
  info.value = notification_.value_is_id ? static_cast<uint64_t>(id_) : notification_.value;
  info.timer_id = id_;
  // Without memory the expiration is lost; the next period tries again.
  if (notification_.kind == TimerNotification::Kind::Process) {
    ignore(post_signal(owner_.group, info));
  } else {
    ignore(post_signal_to_task(*notification_.thread, info));
  }
}

PosixTimer* ProcessTimers::find(int32_t id) {
  for (PosixTimer& timer : posix) {
    if (timer.id() == id) return &timer;
  }
  return nullptr;
}

// One at a time, so that each is waited for and freed without the lock.
void ProcessTimers::destroy_posix() {
  for (;;) {
    PosixTimer* timer;
    {
      Guard guard(lock);
      timer = posix.pop_front();
      if (timer == nullptr) break;
      timer->disarm_locked();
      update_cpu_active();
    }
    delete timer;  // waits for a callback under way
  }
}

namespace process_timers {

namespace {

// Runs function(timer, now) under the lock.
template <class Function>
auto with_timer(ThreadGroup& group, int32_t id, Function function)
    -> decltype(function(std::declval<PosixTimer&>(), Nanoseconds{})) {
  ProcessTimers* timers = ProcessTimers::peek(group);
  if (timers == nullptr) return Errno::Inval;
  Guard guard(timers->lock);
  PosixTimer* timer = timers->find(id);
  if (timer == nullptr) return Errno::Inval;
  return function(*timer, timer->now());
}

}  // namespace

Result<int32_t> create(ThreadGroup& group, ClockId clock, TimerNotification notification) {
  ProcessTimers* timers = TRY(ProcessTimers::of(group));
  Ref<UserAccount> account = current_task().credentials().account;
  uint64_t limit = task::limit(group, Resource::SigPending).soft;
  if (account->pending_signals.fetch_add_relaxed(1) >= limit) {
    account->pending_signals.fetch_sub_relaxed(1);
    return Errno::Again;
  }
  int32_t id;
  {
    Guard guard(timers->lock);
    do {
      id = timers->next_id++;
      if (timers->next_id < 0) timers->next_id = 0;
    } while (timers->find(id) != nullptr);
  }
  auto timer = make_owned<PosixTimer>(*timers, id, std::move(clock), std::move(notification),
                                      account);
  if (!timer.ok()) {
    account->pending_signals.fetch_sub_relaxed(1);
    return timer.error();
  }
  Guard guard(timers->lock);
  timers->posix.push_back(*std::move(timer).take().leak());
  return id;
}

Result<TimerSetting> set(ThreadGroup& group, int32_t id, TimerSetting setting, When when) {
  ProcessTimers* timers = ProcessTimers::peek(group);
  if (timers == nullptr) return Errno::Inval;
  Guard guard(timers->lock);
  PosixTimer* timer = timers->find(id);
  if (timer == nullptr) return Errno::Inval;
  TimerSetting old = timer->get_locked(timer->now());
  bool on_clock = timer->is_cpu() || when == When::Absolute;
  timer->set_locked(setting, when, on_clock ? timer->clock().now() : clock::monotonic());
  timers->update_cpu_active();
  return old;
}

Result<TimerSetting> get(ThreadGroup& group, int32_t id) {
  return with_timer(group, id, [](PosixTimer& timer, Nanoseconds now) -> Result<TimerSetting> {
    return timer.get_locked(now);
  });
}

Result<int32_t> overrun(ThreadGroup& group, int32_t id) {
  return with_timer(group, id, [](PosixTimer& timer, Nanoseconds) -> Result<int32_t> {
    return timer.overrun_locked();
  });
}

Result<> destroy(ThreadGroup& group, int32_t id) {
  ProcessTimers* timers = ProcessTimers::peek(group);
  if (timers == nullptr) return Errno::Inval;
  PosixTimer* timer;
  {
    Guard guard(timers->lock);
    timer = timers->find(id);
    if (timer == nullptr) return Errno::Inval;
    timer->disarm_locked();
    timers->posix.remove(*timer);
    timers->update_cpu_active();
  }
  delete timer;  // waits for a callback under way
  return {};
}

void timer_signal_taken(ThreadGroup& group, SignalInfo& info) {
  ProcessTimers* timers = ProcessTimers::peek(group);
  if (timers == nullptr) return;
  Guard guard(timers->lock);
  PosixTimer* timer = timers->find(info.timer_id);
  if (timer != nullptr) timer->signal_taken_locked(info, timer->now());
}

}  // namespace process_timers
}  // namespace kernel
