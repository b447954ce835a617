// SPDX-License-Identifier: MIT
// The scheduling policies, simulated: no thread, no CPU, only entities and time.
#include "sched/run_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace kernel {
namespace {

using Arrival = RunQueue::Arrival;

struct Simulation {
  RunQueue queue;
  std::vector<std::unique_ptr<SchedEntity>> entities;

  SchedEntity& make(SchedParameters parameters = {}) {
    auto entity = std::make_unique<SchedEntity>();
    entity->parameters = parameters;
    entity->weight = weight_of(parameters);
    entity->slice_left = RealtimeQueue::kRoundRobinSlice;
    entities.push_back(std::move(entity));
    return *entities.back();
  }
  SchedEntity& add(SchedParameters parameters = {}) {
    SchedEntity& entity = make(parameters);
    queue.add(entity, Arrival::New);
    return entity;
  }
  // Runs for `total` in steps as long as the tick would allow.
  void run(Nanoseconds total, Nanoseconds longest = 10'000'000) {
    while (total > 0) {
      SchedEntity* running = queue.pick_next();
      ASSERT_NE(running, nullptr);
      Nanoseconds step = std::min({queue.time_to_slice_end(), longest, total});
      step = std::max<Nanoseconds>(step, 1000);
      running->runtime += step;
      queue.charge(step);
      total -= std::min(step, total);
    }
  }
  ~Simulation() {
    while (queue.pick_next() != nullptr) queue.drop_current();
  }
};

SchedParameters nice(int value) { return {.nice = static_cast<int8_t>(value)}; }
SchedParameters fifo(int priority) {
  return {.policy = SchedPolicy::Fifo, .rt_priority = static_cast<uint8_t>(priority)};
}
SchedParameters round_robin(int priority) {
  return {.policy = SchedPolicy::RoundRobin, .rt_priority = static_cast<uint8_t>(priority)};
}

constexpr Nanoseconds kMs = 1'000'000;

TEST(RunQueue, EqualThreadsGetEqualTime) {
  Simulation s;
  for (int i = 0; i < 7; ++i) s.add();
  s.run(7000 * kMs);
  for (auto& entity : s.entities) EXPECT_NEAR(double(entity->runtime), 1000e6, 10e6);
}

TEST(RunQueue, NiceThreadsGetTheirShare) {
  Simulation s;
  SchedEntity& favoured = s.add(nice(0));
  SchedEntity& nicer = s.add(nice(5));
  s.run(10'000 * kMs);
  EXPECT_NEAR(double(favoured.runtime) / double(nicer.runtime), 1024.0 / 335.0, 0.1);
}

TEST(RunQueue, ExtremesOfNiceBothRun) {
  Simulation s;
  s.add(nice(-20));
  SchedEntity& least = s.add(nice(19));
  SchedEntity& idle = s.add({.policy = SchedPolicy::Idle});
  s.run(200'000 * kMs);
  EXPECT_NEAR(double(least.runtime) / 200e9, 15.0 / (88761 + 15 + 3), 0.0005);
  EXPECT_GT(idle.runtime, 0u);
}

TEST(RunQueue, NobodyWaitsLongerThanARoundOfSlices) {
  Simulation s;
  for (int i = 0; i < 10; ++i) s.add();
  std::vector<Nanoseconds> last(10, 0);
  for (Nanoseconds now = 0; now < 2000 * kMs; now += kMs) {
    SchedEntity* running = s.queue.pick_next();
    for (size_t i = 0; i < 10; ++i) {
      if (s.entities[i].get() == running) last[i] = now;
      EXPECT_LE(now - last[i], 10 * FairQueue::kSlice * 2);
    }
    s.queue.charge(kMs);
  }
}

TEST(RunQueue, AShortSleeperRunsSoonAfterItWakes) {
  Simulation s;
  for (int i = 0; i < 3; ++i) s.add();
  SchedEntity& sleeper = s.add();
  s.run(100 * kMs);
  Nanoseconds worst = 0;
  for (int round = 0; round < 200; ++round) {
    while (s.queue.pick_next() != &sleeper) s.queue.charge(kMs);
    s.queue.charge(100'000);
    s.queue.drop_current();
    s.run(20 * kMs);
    s.queue.add(sleeper, Arrival::Woken, 20 * kMs);
    Nanoseconds waited = 0;
    if (!s.queue.should_preempt(sleeper)) {
      while (s.queue.pick_next() != &sleeper) {
        s.queue.charge(kMs);
        waited += kMs;
      }
    }
    worst = std::max(worst, waited);
  }
  EXPECT_LE(worst, 2 * FairQueue::kSlice);
}

TEST(RunQueue, SleepingGivesNoMoreThanABoundedCredit) {
  Simulation s;
  SchedEntity& busy = s.add();
  SchedEntity& sleeper = s.add();
  s.run(10 * kMs);
  while (s.queue.pick_next() != &sleeper) s.queue.charge(kMs);
  s.queue.drop_current();
  s.run(60'000 * kMs);
  s.queue.add(sleeper, Arrival::Woken, 60'000 * kMs);
  Nanoseconds busy_before = busy.runtime, sleeper_before = sleeper.runtime;
  s.run(1000 * kMs);
  EXPECT_NEAR(double(busy.runtime - busy_before), double(sleeper.runtime - sleeper_before), 30e6);
}

TEST(RunQueue, YieldLetsTheOtherRun) {
  Simulation s;
  s.add();
  s.add();
  SchedEntity* last = s.queue.pick_next();
  int changes = 0;
  for (int i = 0; i < 1000; ++i) {
    s.queue.charge(10'000);
    s.queue.yield_current();
    SchedEntity* next = s.queue.pick_next();
    if (next != last) ++changes;
    last = next;
  }
  EXPECT_GE(changes, 990);
}

TEST(RunQueue, RealTimeGoesFirstByPriority) {
  Simulation s;
  s.add();
  SchedEntity& low = s.add(fifo(10));
  EXPECT_EQ(s.queue.pick_next(), &low);
  SchedEntity& high = s.add(fifo(99));
  EXPECT_TRUE(s.queue.should_preempt(high));
  EXPECT_EQ(s.queue.pick_next(), &high);
  SchedEntity& equal = s.add(fifo(99));
  EXPECT_FALSE(s.queue.should_preempt(equal));
  EXPECT_EQ(s.queue.pick_next(), &high);
  s.queue.drop_current();
  EXPECT_EQ(s.queue.pick_next(), &equal);
}

TEST(RunQueue, APreemptedRealTimeThreadStaysFirstOfItsPriority) {
  Simulation s;
  SchedEntity& first = s.add(fifo(5));
  s.add(fifo(5));
  EXPECT_EQ(s.queue.pick_next(), &first);
  SchedEntity& urgent = s.add(fifo(6));
  EXPECT_EQ(s.queue.pick_next(), &urgent);
  s.queue.drop_current();
  EXPECT_EQ(s.queue.pick_next(), &first);
}

TEST(RunQueue, FifoKeepsTheCpuAndYieldGoesToTheEnd) {
  Simulation s;
  SchedEntity& first = s.add(fifo(5));
  SchedEntity& second = s.add(fifo(5));
  EXPECT_EQ(s.queue.pick_next(), &first);
  EXPECT_FALSE(s.queue.charge(5000 * kMs));
  EXPECT_EQ(s.queue.pick_next(), &first);
  s.queue.yield_current();
  EXPECT_EQ(s.queue.pick_next(), &second);
}

TEST(RunQueue, RoundRobinTakesTurns) {
  Simulation s;
  SchedEntity& a = s.add(round_robin(5));
  SchedEntity& b = s.add(round_robin(5));
  EXPECT_EQ(s.queue.pick_next(), &a);
  EXPECT_FALSE(s.queue.charge(60 * kMs));
  EXPECT_TRUE(s.queue.charge(60 * kMs));
  EXPECT_EQ(s.queue.pick_next(), &b);
  s.run(2000 * kMs);
  EXPECT_NEAR(double(a.runtime), double(b.runtime), 110e6);
}

TEST(RunQueue, ChangeOfClassWhileRunningAndWaiting) {
  Simulation s;
  SchedEntity& a = s.add();
  SchedEntity& b = s.add();
  SchedEntity* running = s.queue.pick_next();
  SchedEntity& waiting = running == &a ? b : a;
  s.queue.change(waiting, fifo(1));
  EXPECT_EQ(s.queue.pick_next(), &waiting);
  s.queue.change(waiting, nice(0));
  s.run(1000 * kMs);
  EXPECT_NEAR(double(a.runtime), double(b.runtime), 20e6);
  EXPECT_EQ(s.queue.count(), 2u);
}

TEST(RunQueue, RandomOperationsKeepTheSums) {
  std::mt19937 random(42);
  Simulation s;
  std::vector<SchedEntity*> asleep;
  for (int i = 0; i < 40; ++i) s.add(i % 7 == 0 ? round_robin(1 + i % 3) : nice(i - 20));
  for (int step = 0; step < 200'000; ++step) {
    SchedEntity* running = s.queue.pick_next();
    if (running != nullptr) s.queue.charge(random() % 4'000'000);
    switch (random() % 6) {
      case 0:
        if (running != nullptr) {
          s.queue.drop_current();
          asleep.push_back(running);
        }
        break;
      case 1:
      case 2:
        if (!asleep.empty()) {
          size_t which = random() % asleep.size();
          s.queue.add(*asleep[which], Arrival::Woken, random() % 50'000'000);
          asleep.erase(asleep.begin() + static_cast<long>(which));
        }
        break;
      case 3:
        if (running != nullptr) s.queue.yield_current();
        break;
      case 4: {
        SchedEntity& any = *s.entities[random() % s.entities.size()];
        s.queue.change(any, random() % 5 == 0 ? fifo(1 + static_cast<int>(random() % 99))
                                              : nice(static_cast<int>(random() % 40) - 20));
        break;
      }
      default: break;
    }
    ASSERT_EQ(s.queue.count() + asleep.size(), s.entities.size());
  }
  uint64_t load = 0;
  for (auto& entity : s.entities) {
    bool sleeps = std::find(asleep.begin(), asleep.end(), entity.get()) != asleep.end();
    if (!sleeps) load += RunQueue::load_of(*entity);
  }
  EXPECT_EQ(s.queue.load(), load);
}

}  // namespace
}  // namespace kernel
