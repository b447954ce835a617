// SPDX-License-Identifier: MIT
// See timer.h. A timer belongs to the queue of the CPU that armed it last and fires there; it
// changes the queue only while it is not running. So whoever holds the lock of its queue knows all
// about it, and no CPU ever programs another's timer device.
#include "sched/timer.h"

#include <optional>

#include "sched/cpu_state.h"

namespace kernel {

class TimerQueue : public Pinned {
 public:
  using Lock = SpinLock<LockRank::TimerQueue>;
  constexpr TimerQueue() = default;

  // The critical section over the queue that a timer belongs to; nothing is locked when it has
  // none.
  class Locked;

  static void arm(Timer& timer, Deadline deadline);
  static bool cancel(Timer& timer, bool& running);
  static bool is_armed(const Timer& timer);

  void expire();
  void set_tick(Nanoseconds deadline);
  void program_next();

 private:
  struct ByDeadline {
    static bool less(const Timer& a, const Timer& b) { return a.deadline_.at < b.deadline_.at; }
  };

  static bool take_from_other(Timer& timer, Deadline deadline);
  void insert(Timer& timer, Deadline deadline) REQUIRES(lock_);
  Timer* take_due(Nanoseconds now);
  void finish_callback();
  void program(Nanoseconds deadline);

  Lock lock_;
  Tree<Timer, ByDeadline> timers_ GUARDED_BY(lock_);
  Timer* running_ GUARDED_BY(lock_) = nullptr;
  // This CPU only, interrupts masked.
  Nanoseconds tick_ = kForever;
  Nanoseconds programmed_ = kForever;
};

namespace {

PER_CPU(TimerQueue, timer_queues);
constinit timers::EventDevice* event_device = nullptr;

}  // namespace

// SAFETY (this class): which lock it is, is found at run time; the destructor releases what was
// taken.
class TimerQueue::Locked : public Pinned {
 public:
  explicit Locked(const Timer& timer) NO_THREAD_SAFETY_ANALYSIS {
    for (;;) {
      uint32_t number = timer.queue_.load_relaxed();
      if (number == 0) return;
      queue_ = &timer_queues.on(number - 1);
      guard_.emplace(queue_->lock_);
      if (timer.queue_.load_relaxed() == number) return;
      guard_.reset();
      queue_ = nullptr;
    }
  }
  TimerQueue* queue() const { return queue_; }

 private:
  TimerQueue* queue_ = nullptr;
  std::optional<Guard<Lock>> guard_;
};

// A timer whose callback runs stays with its queue: that CPU looks at the queue again when the
// callback has returned. Else the timer comes here. Two arms at once: the last to get the lock
// wins.
void TimerQueue::arm(Timer& timer, Deadline deadline) {
  PreemptGuard preempt;
  TimerQueue& here = timer_queues.mine();
  uint32_t number = this_cpu() + 1;
  for (;;) {
    uint32_t owner = 0;
    // A timer that nobody has is taken at once; this CPU's own needs its lock alone.
    if (timer.queue_.compare_exchange_acq_rel(owner, number) || owner == number) {
      Guard guard(here.lock_);
      if (timer.queue_.load_relaxed() != number) continue;
      if (timer.is_in_tree()) here.timers_.remove(timer);
      here.insert(timer, deadline);
      return;
    }
    if (take_from_other(timer, deadline)) return;
  }
}

// True when it stays there and is armed; else it belongs to nobody and is off that queue, or
// another CPU was quicker: look again.
bool TimerQueue::take_from_other(Timer& timer, Deadline deadline) NO_THREAD_SAFETY_ANALYSIS {
  Locked locked(timer);
  TimerQueue* queue = locked.queue();
  if (queue == nullptr) return false;
  if (timer.is_in_tree()) queue->timers_.remove(timer);
  if (queue->running_ == &timer) {
    queue->insert(timer, deadline);
    return true;
  }
  timer.queue_.store_release(0);
  return false;
}

void TimerQueue::insert(Timer& timer, Deadline deadline) {
  timer.deadline_ = deadline;
  if (deadline.at == kForever) return;
  timers_.insert(timer);
  if (this == &timer_queues.mine() && deadline.at < programmed_) program(deadline.at);
}

bool TimerQueue::cancel(Timer& timer, bool& running) NO_THREAD_SAFETY_ANALYSIS {
  Locked locked(timer);
  TimerQueue* queue = locked.queue();
  running = false;
  if (queue == nullptr) return false;
  running = queue->running_ == &timer;
  bool was_armed = timer.is_in_tree();
  if (was_armed) queue->timers_.remove(timer);
  if (!running) timer.queue_.store_release(0);  // nobody's: the next cancel has nothing to lock
  return was_armed;
}

bool TimerQueue::is_armed(const Timer& timer) {
  Locked locked(timer);
  return locked.queue() != nullptr && timer.is_in_tree();
}

// `now` is read once: a callback that re-arms its timer in small steps cannot hold the CPU here.
void TimerQueue::expire() {
  Nanoseconds now = clock::monotonic();
  programmed_ = kForever;
  while (Timer* timer = take_due(now)) {
    timer->callback_(*timer);
    finish_callback();
  }
  if (tick_ <= now) {
    tick_ = kForever;
    Scheduler::tick(now);
  }
  program_next();
}

Timer* TimerQueue::take_due(Nanoseconds now) {
  Guard guard(lock_);
  Timer* first = timers_.first();
  if (first == nullptr || first->deadline_.at > now) return nullptr;
  timers_.remove(*first);
  running_ = first;
  return first;
}

void TimerQueue::finish_callback() {
  Guard guard(lock_);
  running_ = nullptr;
}

void TimerQueue::set_tick(Nanoseconds deadline) {
  tick_ = deadline;
  if (deadline < programmed_) program(deadline);
}

void TimerQueue::program_next() {
  Nanoseconds next = tick_;
  {
    Guard guard(lock_);
    Timer* first = timers_.first();
    if (first != nullptr && first->deadline_.at < next) next = first->deadline_.at;
  }
  program(next);
}

void TimerQueue::program(Nanoseconds deadline) {
  programmed_ = deadline;
  if (event_device != nullptr) event_device->program(deadline);
}

void Timer::arm(Deadline deadline) { TimerQueue::arm(*this, deadline); }

bool Timer::cancel() {
  bool running;
  return TimerQueue::cancel(*this, running);
}

bool Timer::cancel_and_wait() {
  bool cancelled = false;
  bool running;
  do {
    cancelled |= TimerQueue::cancel(*this, running);
    if (running) arch::spin_hint();
  } while (running);
  return cancelled;
}

bool Timer::is_armed() const { return TimerQueue::is_armed(*this); }

namespace timers {

void set_event_device(EventDevice& device) {
  event_device = &device;
  init_this_cpu();
}

void init_this_cpu() {
  if (event_device == nullptr) return;
  arch::IrqState state = arch::disable_interrupts();
  event_device->init_this_cpu();
  timer_queues.mine().program_next();
  arch::restore_interrupts(state);
}

void handle_expiry() { timer_queues.mine().expire(); }

void set_tick(Nanoseconds deadline) { timer_queues.mine().set_tick(deadline); }

}  // namespace timers
}  // namespace kernel
