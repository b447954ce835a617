// SPDX-License-Identifier: MIT
// The scheduler with real CPUs and interrupts: fairness, lost wake-ups, mutexes, timers, affinity,
// real-time priority, RCU, sleeps.

#include <array>

#include "lib/ktest.h"
#include "lib/vector.h"
#include "sched/completion.h"
#include "sched/mutex.h"
#include "sched/scheduler.h"
#include "sched/timer.h"
#include "sched/work_queue.h"
#include "sync/per_cpu.h"

namespace kernel {
namespace {

constexpr Nanoseconds kMs = 1'000'000;
// How long the machine itself may be held up by a busy host before a test calls it a fault of ours.
constexpr Nanoseconds kStall = 500 * kMs;

// Threads that run one function until they return, and are waited for.
template <class Function>
class Crew {
 public:
  explicit Crew(Function& function) : function_(function) {}
  ~Crew() { finish(); }

  Thread* add(const SchedParameters& parameters = {}, CpuMask affinity = ~CpuMask{0}) {
    Result<Ref<Thread>> thread = Thread::create_kernel("crew", run, this);
    if (!thread.ok()) {
      EXPECT(thread.ok());
      return nullptr;
    }
    (*thread)->set_parameters(parameters);
    EXPECT((*thread)->set_affinity(affinity).ok());
    (*thread)->start();
    Thread* raw = thread->get();
    EXPECT(threads_.append(std::move(thread).take()).ok());
    return raw;
  }
  void finish() {
    for (Ref<Thread>& thread : threads_) {
      while (thread->state() != ThreadState::Dead) sched::sleep_until(Deadline::after(100'000));
    }
    threads_.clear();
  }
  Thread& thread(size_t index) { return *threads_[index]; }

 private:
  static void run(void* argument) {
    auto& self = *static_cast<Crew*>(argument);
    self.function_(self.next_.fetch_add_relaxed(1));
  }
  Function& function_;
  Vector<Ref<Thread>> threads_;
  Atomic<uint32_t> next_;
};

void pause(Nanoseconds time) { sched::sleep_until(Deadline::after(time)); }

// Waits for what must become true soon, on a CPU that a busy host may hold up.
template <class Condition>
bool soon(Condition condition) {
  Nanoseconds limit = clock::monotonic() + 4 * kStall;
  while (!condition() && clock::monotonic() < limit) pause(kMs);
  return condition();
}

// Busy for `time` of the wall clock, preemptible.
void spin_for(Nanoseconds time) {
  Nanoseconds end = clock::monotonic() + time;
  while (clock::monotonic() < end) arch::spin_hint();
}

struct Shares {
  uint64_t first, second;
};
// Whether the two run times grow as wanted in one window of some. The emulator's host may stop a
// virtual CPU for long, and charges that to whoever runs there; a scheduler that is unfair is so in
// every window.
template <class Wanted>
bool in_some_window(Thread& first, Thread& second, Wanted wanted) {
  for (int window = 0; window < 6; ++window) {
    Shares before{first.run_time(), second.run_time()};
    pause(300 * kMs);
    if (wanted(Shares{first.run_time() - before.first, second.run_time() - before.second}))
      return true;
  }
  return false;
}

bool near(uint64_t value, uint64_t wanted, unsigned percent) {
  return value * 100 >= wanted * (100 - percent) && value * 100 <= wanted * (100 + percent);
}

KTEST(two_spinners_share_a_cpu) {
  Atomic<bool> stop;
  auto spin = [&](unsigned) {
    while (!stop.load_relaxed()) arch::spin_hint();
  };
  Crew crew(spin);
  Thread* first = crew.add({}, 1);
  Thread* second = crew.add({}, 1);
  EXPECT(in_some_window(*first, *second, [](Shares ran) {
    return near(ran.first, ran.second, 10) && ran.first + ran.second > 200 * kMs;
  }));
  stop.store_relaxed(true);
}

KTEST(nice_threads_get_less) {
  Atomic<bool> stop;
  auto spin = [&](unsigned) {
    while (!stop.load_relaxed()) arch::spin_hint();
  };
  Crew crew(spin);
  Thread* normal = crew.add({}, 1);
  Thread* nicer = crew.add({.nice = 5}, 1);
  EXPECT(in_some_window(*normal, *nicer,
                        [](Shares ran) { return near(ran.first * 335, ran.second * 1024, 20); }));
  stop.store_relaxed(true);
}

KTEST(spinners_spread_over_cpus) {
  unsigned cpus = sched::online_cpu_count();
  if (cpus == 1) KTEST_SKIP("needs more than one CPU");
  Atomic<bool> stop;
  auto spin = [&](unsigned) {
    while (!stop.load_relaxed()) arch::spin_hint();
  };
  Crew crew(spin);
  // All begin on one CPU and are let go.
  for (unsigned i = 0; i < 2 * cpus; ++i) crew.add({}, 1);
  pause(20 * kMs);
  for (unsigned i = 0; i < 2 * cpus; ++i) EXPECT(crew.thread(i).set_affinity(~CpuMask{0}).ok());
  EXPECT(soon([&] {
    std::array<unsigned, kMaxCpus> on{};
    for (unsigned i = 0; i < 2 * cpus; ++i) ++on[crew.thread(i).cpu()];
    for (unsigned cpu = 0; cpu < cpus; ++cpu)
      if (on[cpu] < 1 || on[cpu] > 3) return false;
    return true;
  }));
  stop.store_relaxed(true);
}

// Two threads hand a turn to and fro; a lost wake-up leaves both asleep for good.
KTEST(wakeups_are_not_lost) {
  constexpr uint32_t kTurns = 20'000;
  constexpr unsigned kPairs = 4;
  struct Pair {
    Atomic<uint32_t> turn;
    WaitQueue queue;
  };
  Pair pairs[kPairs];
  auto play = [&](unsigned number) {
    Pair& pair = pairs[number / 2];
    uint32_t mine = number % 2;
    for (uint32_t i = 0; i < kTurns; ++i) {
      Result<> waited =
          pair.queue.wait([&] { return pair.turn.load_acquire() % 2 == mine; },
                          WaitMode::Uninterruptible, Deadline::after(20 * kNanosPerSecond));
      if (!waited.ok()) {
        EXPECT(waited.ok());
        return;
      }
      pair.turn.fetch_add_acq_rel(1);
      pair.queue.wake();
    }
  };
  Crew crew(play);
  for (unsigned i = 0; i < 2 * kPairs; ++i) crew.add();
  crew.finish();
  for (Pair& pair : pairs) EXPECT(pair.turn.load_relaxed() == 2 * kTurns);
}

KTEST(exclusive_waiters_wake_one_by_one) {
  constexpr uint32_t kTokens = 2'000;
  WaitQueue queue;
  Atomic<int32_t> tokens;
  Atomic<uint32_t> taken;
  auto take = [&](unsigned) {
    while (taken.load_relaxed() < kTokens) {
      Result<> waited = queue.wait(
          [&] {
            if (taken.load_relaxed() >= kTokens) return true;
            int32_t seen = tokens.load_acquire();
            while (seen > 0) {
              if (tokens.compare_exchange_acq_rel(seen, seen - 1)) {
                taken.fetch_add_acq_rel(1);
                return true;
              }
            }
            return false;
          },
          WaitMode::Uninterruptible, Deadline::after(20 * kNanosPerSecond), true);
      EXPECT(waited.ok());
      if (!waited.ok()) return;
    }
  };
  Crew crew(take);
  for (int i = 0; i < 6; ++i) crew.add();
  for (uint32_t i = 0; i < kTokens; ++i) {
    tokens.fetch_add_acq_rel(1);
    queue.wake();
    if (i % 64 == 0) sched::yield();
  }
  while (taken.load_acquire() < kTokens) pause(kMs);
  queue.wake_all();
  crew.finish();
  EXPECT(taken.load_relaxed() == kTokens);
}

KTEST(mutex_excludes) {
  constexpr uint32_t kRounds = 5'000;
  Mutex<LockRank::DriverThread> mutex;
  uint64_t plain = 0;
  Atomic<uint32_t> inside;
  auto work = [&](unsigned number) {
    for (uint32_t i = 0; i < kRounds; ++i) {
      Guard guard(mutex);
      EXPECT(inside.fetch_add_relaxed(1) == 0);
      plain = plain + 1;
      if (i % 97 == number) sched::yield();
      inside.fetch_sub_relaxed(1);
    }
  };
  Crew crew(work);
  for (int i = 0; i < 6; ++i) crew.add();
  crew.finish();
  EXPECT(plain == 6 * kRounds);
}

KTEST(mutex_starves_nobody) {
  Mutex<LockRank::DriverThread> mutex;
  Atomic<bool> stop;
  Atomic<uint32_t> polite;
  auto work = [&](unsigned number) {
    while (!stop.load_relaxed()) {
      {
        Guard guard(mutex);
        spin_for(number == 0 ? 500'000 : 1'000);
      }
      if (number != 0) polite.fetch_add_relaxed(1);
      if (number != 0) pause(kMs);
    }
  };
  Crew crew(work);
  for (int i = 0; i < 3; ++i) crew.add();
  EXPECT(soon([&] { return polite.load_relaxed() >= 4; }));
  stop.store_relaxed(true);
}

KTEST(try_lock_does_not_wait) {
  Mutex<LockRank::DriverThread> mutex;
  Completion held, let_go;
  auto hold = [&](unsigned) {
    Guard guard(mutex);
    held.complete();
    ignore(let_go.wait());
  };
  Crew crew(hold);
  crew.add();
  ignore(held.wait());
  {
    TryGuard guard(mutex);
    EXPECT(!guard.locked());
  }
  let_go.complete();
  crew.finish();
  TryGuard guard(mutex);
  EXPECT(guard.locked());
}

KTEST(sleeps_are_not_short_and_not_long) {
  for (Nanoseconds wanted : {50'000ul, 300'000ul, 2 * kMs, 11 * kMs}) {
    Nanoseconds begin = clock::monotonic();
    pause(wanted);
    Nanoseconds took = clock::monotonic() - begin;
    EXPECT(took >= wanted);
    EXPECT(took < wanted + kStall);
  }
}

KTEST(timed_waits_end) {
  WaitQueue queue;
  Nanoseconds begin = clock::monotonic();
  Result<> waited =
      queue.wait([] { return false; }, WaitMode::Interruptible, Deadline::after(3 * kMs));
  EXPECT(waited.failed_with(Errno::TimedOut));
  EXPECT(clock::monotonic() - begin >= 3 * kMs);
  EXPECT(!queue.has_waiters());
}

struct CountingTimer : Timer {
  CountingTimer() : Timer(count) {}
  static void count(Timer& timer) {
    auto& self = static_cast<CountingTimer&>(timer);
    self.fired.fetch_add_acq_rel(1);
    self.late = clock::monotonic() - timer.deadline().at;
    if (self.rearm_by != 0) timer.arm({timer.deadline().at + self.rearm_by});
  }
  Atomic<uint32_t> fired;
  Nanoseconds late = 0;
  Nanoseconds rearm_by = 0;
};

KTEST(timers_fire_in_order_and_in_time) {
  std::array<CountingTimer, 20> timers;
  for (size_t i = 0; i < timers.size(); ++i) timers[i].arm(Deadline::after((i * 7 % 20 + 1) * kMs));
  pause(40 * kMs);
  for (CountingTimer& timer : timers) {
    EXPECT(soon([&] { return timer.fired.load_acquire() != 0; }));
    EXPECT(timer.fired.load_acquire() == 1);
    EXPECT(timer.late < kStall);
    EXPECT(!timer.is_armed());
  }
}

KTEST(a_timer_rearms_itself) {
  CountingTimer timer;
  timer.rearm_by = 1 * kMs;
  Nanoseconds begin = clock::monotonic();
  timer.arm(Deadline::after(kMs));
  EXPECT(soon([&] { return timer.fired.load_acquire() >= 40; }));
  EXPECT(timer.cancel_and_wait());
  // Each period once, however late: never more than have passed.
  Nanoseconds periods = (clock::monotonic() - begin) / kMs;
  uint32_t fired = timer.fired.load_acquire();
  EXPECT(fired <= periods);
  pause(5 * kMs);
  EXPECT(timer.fired.load_acquire() == fired);
}

// Armed, cancelled and firing from all CPUs at once. What cancel_and_wait() says is true.
KTEST(timers_survive_races) {
  struct Slot {
    CountingTimer timer;
  };
  std::array<Slot, 4> slots;
  Atomic<bool> stop;
  auto work = [&](unsigned number) {
    uint64_t random = number * 2654435761u + 1;
    while (!stop.load_relaxed()) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      CountingTimer& timer = slots[random >> 33 & 3].timer;
      switch (random >> 40 & 3) {
        case 0:
          timer.cancel();
          break;
        case 1:
          timer.cancel_and_wait();
          break;
        default:
          timer.arm(Deadline::after(random >> 50));
          break;
      }
    }
  };
  Crew crew(work);
  for (int i = 0; i < 6; ++i) crew.add();
  pause(300 * kMs);
  stop.store_relaxed(true);
  crew.finish();
  for (Slot& slot : slots) {
    slot.timer.cancel_and_wait();
    EXPECT(!slot.timer.is_armed());
    EXPECT(slot.timer.fired.load_relaxed() > 0);
  }
}

KTEST(affinity_is_kept) {
  unsigned cpus = sched::online_cpu_count();
  if (cpus == 1) KTEST_SKIP("needs more than one CPU");
  Thread& self = current();
  for (unsigned round = 0; round < 50; ++round) {
    unsigned cpu = round % cpus;
    EXPECT(self.set_affinity(CpuMask{1} << cpu).ok());
    PreemptGuard guard;
    EXPECT(this_cpu() == cpu);
  }
  EXPECT(self.set_affinity(CpuMask{1} << 63).failed_with(Errno::Inval));
  EXPECT(self.set_affinity(~CpuMask{0}).ok());
}

// Others push running, waiting and sleeping threads around; none is lost, none runs where it may
// not.
KTEST(threads_survive_migration) {
  unsigned cpus = sched::online_cpu_count();
  if (cpus == 1) KTEST_SKIP("needs more than one CPU");
  Atomic<bool> stop;
  Atomic<uint64_t> progress[6] = {};
  auto work = [&](unsigned number) {
    while (!stop.load_relaxed()) {
      progress[number].fetch_add_relaxed(1);
      if (number % 3 == 0) spin_for(100'000);
      if (number % 3 == 1) pause(50'000);
      if (number % 3 == 2) sched::yield();
    }
  };
  Crew crew(work);
  for (int i = 0; i < 6; ++i) crew.add();
  for (unsigned round = 0; round < 300; ++round) {
    Thread& thread = crew.thread(round % 6);
    CpuMask mask = CpuMask{1} << (round * 7 / 3 % cpus);
    EXPECT(thread.set_affinity(mask).ok());
    EXPECT(!thread.is_running() || (mask >> thread.cpu() & 1) != 0);
  }
  uint64_t before[6];
  for (size_t i = 0; i < 6; ++i) before[i] = progress[i].load_relaxed();
  for (size_t i = 0; i < 6; ++i)
    EXPECT(soon([&] { return progress[i].load_relaxed() > before[i]; }));
  stop.store_relaxed(true);
}

KTEST(real_time_goes_first) {
  Atomic<bool> stop;
  Completion go;
  Nanoseconds woken_at = 0;
  auto work = [&](unsigned number) {
    if (number == 0) {
      while (!stop.load_relaxed()) arch::spin_hint();
    } else {
      ignore(go.wait());
      woken_at = clock::monotonic();
    }
  };
  Crew crew(work);
  crew.add({}, 1);
  pause(5 * kMs);
  crew.add({.policy = SchedPolicy::Fifo, .rt_priority = 10}, 1);
  pause(20 * kMs);
  Nanoseconds begin = clock::monotonic();
  go.complete();
  pause(20 * kMs);
  stop.store_relaxed(true);
  crew.finish();
  EXPECT(woken_at >= begin && woken_at - begin < kStall);
}

KTEST(fifo_keeps_the_cpu_from_fair_threads) {
  Atomic<bool> stop_fair;
  auto fair = [&](unsigned) {
    while (!stop_fair.load_relaxed()) arch::spin_hint();
  };
  Atomic<bool> stop_urgent;
  Atomic<bool> urgent_runs;
  auto urgent = [&](unsigned) {
    urgent_runs.store_relaxed(true);
    while (!stop_urgent.load_relaxed()) arch::spin_hint();
  };
  // The test's own thread must not wait behind the real-time one.
  SchedParameters before = current().parameters();
  current().set_parameters({.policy = SchedPolicy::Fifo, .rt_priority = 90});
  {
    Crew crew(fair);
    Thread* victim = crew.add({}, 1);
    pause(10 * kMs);
    Crew rt_crew(urgent);
    rt_crew.add({.policy = SchedPolicy::Fifo, .rt_priority = 10}, 1);
    EXPECT(soon([&] { return urgent_runs.load_relaxed(); }));
    Nanoseconds used = victim->run_time();
    pause(30 * kMs);
    EXPECT(victim->run_time() == used);
    stop_urgent.store_relaxed(true);
    rt_crew.finish();
    EXPECT(soon([&] { return victim->run_time() > used; }));
    stop_fair.store_relaxed(true);
  }
  current().set_parameters(before);
}

struct RcuBox : RcuHead {
  static constexpr uint64_t kAlive = 0x11fe, kDead = 0xdead;
  uint64_t value = kAlive;
};

KTEST(rcu_readers_never_see_the_dead) {
  constinit static Atomic<uint32_t> reclaimed;
  reclaimed.store_relaxed(0);
  RcuPointer<RcuBox> shared;
  shared.publish(new (std::nothrow) RcuBox);
  Atomic<bool> stop;
  uint32_t retired = 0;
  auto read = [&](unsigned) {
    while (!stop.load_relaxed()) {
      RcuReadGuard guard;
      RcuBox* box = shared.read();
      for (int i = 0; i < 50; ++i)
        EXPECT(__atomic_load_n(&box->value, __ATOMIC_RELAXED) == RcuBox::kAlive);
    }
  };
  Crew crew(read);
  for (int i = 0; i < 4; ++i) crew.add();
  for (int i = 0; i < 200; ++i) {
    auto* fresh = new (std::nothrow) RcuBox;
    if (fresh == nullptr) break;
    RcuBox* old = shared.read();
    shared.publish(fresh);
    retire(*old, [](RcuHead* head) {
      auto* box = static_cast<RcuBox*>(head);
      __atomic_store_n(&box->value, RcuBox::kDead, __ATOMIC_RELAXED);
      reclaimed.fetch_add_relaxed(1);
      delete box;
    });
    ++retired;
    if (i % 20 == 0) pause(kMs);
  }
  synchronize_rcu();
  rcu_barrier();
  EXPECT(reclaimed.load_relaxed() == retired);
  stop.store_relaxed(true);
  crew.finish();
  delete shared.read();
}

KTEST(cross_calls_reach_all_others) {
  unsigned cpus = sched::online_cpu_count();
  for (int round = 0; round < 200; ++round) {
    Atomic<uint64_t> reached;
    sched::call_on_others(
        [](void* argument) {
          static_cast<Atomic<uint64_t>*>(argument)->fetch_or_acq_rel(uint64_t{1} << this_cpu());
        },
        &reached);
    EXPECT(static_cast<unsigned>(std::popcount(reached.load_acquire())) == cpus - 1);
  }
}

KTEST(two_cpus_call_each_other) {
  static constinit Atomic<uint32_t> served;
  served.store_relaxed(0);
  auto call = [&](unsigned) {
    for (int i = 0; i < 200; ++i) {
      sched::call_on_others([](void*) { served.fetch_add_relaxed(1); }, nullptr);
    }
  };
  Crew crew(call);
  for (int i = 0; i < 4; ++i) crew.add();
  crew.finish();
  EXPECT(served.load_relaxed() == 4 * 200 * (sched::online_cpu_count() - 1));
}

KTEST(work_runs_once_each) {
  struct Item : Work {
    Item() : Work([](Work& work) { static_cast<Item&>(work).runs.fetch_add_relaxed(1); }) {}
    Atomic<uint32_t> runs;
  };
  std::array<Item, 50> items;
  for (Item& item : items) EXPECT(item.schedule());
  sched::flush_work();
  for (Item& item : items) EXPECT(item.runs.load_acquire() == 1);
}

KTEST(threads_come_and_go) {
  auto nothing = [](unsigned) {};
  for (int round = 0; round < 20; ++round) {
    Crew crew(nothing);
    for (int i = 0; i < 25; ++i) crew.add();
  }
  rcu_barrier();
}

KTEST(a_switch_is_short) {
  constexpr uint32_t kYields = 5'000;
  auto work = [&](unsigned) {
    for (uint32_t i = 0; i < kYields; ++i) sched::yield();
  };
  Nanoseconds begin = clock::monotonic();
  {
    Crew crew(work);
    crew.add({}, 1);
    crew.add({}, 1);
  }
  Nanoseconds each = (clock::monotonic() - begin) / (2 * kYields);
  log_info("# {} ns a yield", each);
  EXPECT(each < kMs);
}

}  // namespace
}  // namespace kernel
