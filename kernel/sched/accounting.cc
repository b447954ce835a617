// SPDX-License-Identifier: MIT
// Where CPU time goes. Run time is exact: each switch charges it from the counter. Its division
// into user and system time is sampled by the tick, which costs system calls nothing: a sample
// takes all the time since the last one for the mode that it finds. Load averages as Linux computes
// them.
#include <array>

#include "sched/cpu_state.h"
#include "sched/timer.h"

namespace kernel {

bool Scheduler::charge(CpuState& state, Nanoseconds now) {
  Thread& thread = *state.current;
  SchedEntity& entity = thread.entity_;
  if (now <= entity.accounted) return false;  // another CPU's clock was read a moment before
  Nanoseconds time = now - entity.accounted;
  entity.accounted = now;
  if (&thread == state.idle) {
    state.times.idle += time;
    return false;
  }
  entity.runtime += time;
  thread.unsampled_ += time;
  state.unsampled += time;
  // Between drop_current() and the switch nobody is current: not reached then, the lock is held.
  return state.queue.charge(time);
}

// On this CPU, in interrupt context, when the time of arm_tick() has come.
void Scheduler::tick(Nanoseconds now) {
  CpuState& state = cpu_states.mine();
  Thread& thread = current();
  bool user = state.interrupted_user;
  unsigned cpu = this_cpu();
  update_load_average(now);
  state.tick_at = kForever;
  if (&thread == state.idle) return;
  if (thread.preempt_count == 0) rcu_quiescent();
  {
    QueueGuard queue(cpu);
    if (charge(state, now)) kick(state, cpu);
    bool nice = thread.entity_.parameters.nice > 0;
    Nanoseconds& mode = !user ? state.times.system : nice ? state.times.nice : state.times.user;
    mode += std::exchange(state.unsampled, 0);
    (user ? thread.user_samples_ : thread.system_samples_) += std::exchange(thread.unsampled_, 0);
    arm_tick(state, now);
  }
  balance_at_tick(cpu);
  if (tick_hook != nullptr && thread.is_user()) tick_hook(thread, user);
}

// A pending tick that comes earlier than needed stays: that is cheaper than programming the timer
// at each switch. An idle CPU lets it run out.
void Scheduler::arm_tick(CpuState& state, Nanoseconds now) {
  if (state.current == state.idle) return;
  Nanoseconds slice = state.queue.time_to_slice_end();
  Nanoseconds period = slice < kTickPeriod ? slice : kTickPeriod;
  Nanoseconds wanted = now + (period > kLeastTick ? period : kLeastTick);
  if (state.tick_at <= wanted) return;
  state.tick_at = wanted;
  timers::set_tick(wanted);
}

void Scheduler::publish_load(CpuState& state) {
  state.load.store_relaxed(state.queue.load());
  state.runnable.store_relaxed(state.queue.count());
  state.priority.store_relaxed(state.queue.current_priority());
}

Nanoseconds Scheduler::run_time(const Thread& thread) {
  QueueGuard queue(thread);
  if (queue->current == &thread) charge(*queue, clock::monotonic());
  return thread.entity_.runtime;
}

Nanoseconds Scheduler::run_time_since_wake(const Thread& thread) {
  QueueGuard queue(thread);
  if (queue->current == &thread) charge(*queue, clock::monotonic());
  return thread.entity_.runtime - thread.runtime_at_wake_;
}

// The exact run time, divided as the samples are; neither part goes back.
CpuUsage Scheduler::cpu_usage(const Thread& thread) {
  QueueGuard queue(thread);
  if (queue->current == &thread) charge(*queue, clock::monotonic());
  Nanoseconds total = thread.entity_.runtime;
  Nanoseconds user = thread.user_samples_;
  Nanoseconds system = thread.system_samples_;
  while (user + system >= uint64_t{1} << 24) {  // so that the products below fit
    user >>= 1;
    system >>= 1;
  }
  CpuUsage& reported = thread.reported_;
  Nanoseconds system_part = 0;
  if (Nanoseconds sum = user + system; sum != 0) {
    system_part = total / sum * system + total % sum * system / sum;
  }
  if (system_part < reported.system) system_part = reported.system;
  if (total - system_part < reported.user) system_part = total - reported.user;
  reported = {total - system_part, system_part};
  return reported;
}

namespace sched {

namespace {

// Linux's constants: 11 bits of fraction, exp(-5 s / 1, 5, 15 min).
constexpr unsigned kLoadShift = 11;
constexpr uint64_t kLoadOne = 1 << kLoadShift;
constexpr std::array<uint64_t, 3> kDecay{1884, 2014, 2037};
constexpr Nanoseconds kLoadPeriod = 5 * kNanosPerSecond;

struct LoadSampler {
  SpinLock<LockRank::Leaf> lock;
  uint64_t averages[3] GUARDED_BY(lock) = {};
  Atomic<uint64_t> next{kLoadPeriod};
};
constinit LoadSampler sampler;

uint64_t decayed(uint64_t load, uint64_t decay, uint64_t active) {
  uint64_t sum = load * decay + active * (kLoadOne - decay);
  if (active >= load) sum += kLoadOne - 1;
  return sum >> kLoadShift;
}

// Runnable threads and those in uninterruptible sleep. A look without locks: a statistic.
uint64_t active_threads() {
  int64_t active = 0;
  for (CpuMask rest = online_cpus(); rest != 0; rest &= rest - 1) {
    CpuState& state = cpu_state(static_cast<unsigned>(std::countr_zero(rest)));
    active += state.runnable.load_relaxed();
    active += state.blocked.load_relaxed();
  }
  return active > 0 ? static_cast<uint64_t>(active) : 0;
}

}  // namespace
}  // namespace sched

// No CPU ticks while all are idle: periods that nobody sampled had nothing active, but for the
// last.
void Scheduler::update_load_average(Nanoseconds now) {
  using namespace sched;
  if (now < sampler.next.load_relaxed()) return;
  uint64_t active = active_threads() << kLoadShift;
  Guard guard(sampler.lock);
  uint64_t next = sampler.next.load_relaxed();
  if (now < next) return;
  uint64_t missed = (now - next) / kLoadPeriod;
  sampler.next.store_relaxed(next + (missed + 1) * kLoadPeriod);
  if (missed > 4096) missed = 4096;  // decayed to nothing by then
  for (size_t i = 0; i < kDecay.size(); ++i) {
    for (uint64_t n = 0; n < missed; ++n)
      sampler.averages[i] = decayed(sampler.averages[i], kDecay[i], 0);
    sampler.averages[i] = decayed(sampler.averages[i], kDecay[i], active);
  }
}

namespace sched {

void account_interrupt(bool from_user) { cpu_states.mine().interrupted_user = from_user; }

LoadAverage load_average() {
  Scheduler::update_load_average(clock::monotonic());
  LoadAverage load{};
  for (CpuMask rest = online_cpus(); rest != 0; rest &= rest - 1) {
    load.running +=
        cpu_state(static_cast<unsigned>(std::countr_zero(rest))).runnable.load_relaxed();
  }
  Guard guard(sampler.lock);
  for (size_t i = 0; i < kDecay.size(); ++i) load.averages[i] = sampler.averages[i];
  return load;
}

CpuTimes cpu_times(unsigned cpu) {
  QueueGuard queue(cpu);
  if (queue->current == queue->idle) Scheduler::charge(*queue, clock::monotonic());
  return queue->times;
}

uint64_t context_switches() {
  uint64_t count = 0;
  for (CpuMask rest = online_cpus(); rest != 0; rest &= rest - 1) {
    QueueGuard queue(static_cast<unsigned>(std::countr_zero(rest)));
    count += queue->switches;
  }
  return count;
}

}  // namespace sched
}  // namespace kernel
