// SPDX-License-Identifier: MIT
// RCU between real threads, each a CPU: readers never see a reclaimed object, idle CPUs do not hold
// a grace period up, running ones do.

#include "sync/rcu.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "sync/per_cpu.h"

namespace kernel {
namespace {

// What a CPU's scheduler would do around the test's threads.
struct RunningCpu {
  RunningCpu() {
    PreemptGuard guard;
    if (this_cpu() != 0) rcu_exit_idle();
  }
  ~RunningCpu() {
    PreemptGuard guard;
    if (this_cpu() != 0) rcu_enter_idle();
  }
};

void report_quiescent() {
  PreemptGuard guard;
  rcu_quiescent();
}

void finish_grace_period() {
  rcu::begin_grace_period();
  while (true) {
    report_quiescent();
    if (rcu::grace_period_over()) return;
    std::this_thread::yield();
  }
}

struct Object : RcuHead {
  static constexpr uint64_t kAlive = 0x1234;
  uint64_t state = kAlive;
  uint64_t value = 0;
  ~Object() { state = 0xdead; }
};

Atomic<uint32_t> reclaimed;

TEST(Rcu, CallbacksRunOldestFirst) {
  struct Ordered : RcuHead {
    int number = 0;
  };
  static std::vector<int> order;
  Ordered objects[3];
  for (int i = 0; i < 3; ++i) {
    objects[i].number = i;
    retire(objects[i], [](RcuHead* head) { order.push_back(static_cast<Ordered*>(head)->number); });
  }
  RcuHead* list = rcu::take_retired();
  finish_grace_period();
  EXPECT_EQ(rcu::reclaim(list), 3u);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(rcu::take_retired(), nullptr);
}

TEST(Rcu, AReaderHoldsTheGracePeriodUp) {
  Atomic<int> stage{0};
  std::thread reader([&stage] {
    RunningCpu cpu;
    {
      RcuReadGuard guard;
      stage.store_release(1);
      while (stage.load_acquire() != 2) std::this_thread::yield();
    }
    report_quiescent();
    stage.store_release(3);
    while (stage.load_acquire() != 4) std::this_thread::yield();
  });
  while (stage.load_acquire() != 1) std::this_thread::yield();
  uint64_t number = rcu::begin_grace_period();
  report_quiescent();
  EXPECT_FALSE(rcu::grace_period_over());
  EXPECT_EQ(std::popcount(rcu::holdouts()), 1);
  stage.store_release(2);
  while (stage.load_acquire() != 3) std::this_thread::yield();
  EXPECT_TRUE(rcu::grace_period_over());
  EXPECT_EQ(rcu::completed(), number);
  stage.store_release(4);
  reader.join();
}

TEST(Rcu, AnIdleCpuDoesNot) {
  Atomic<int> stage{0};
  std::thread idle([&stage] {
    RunningCpu cpu;
    {
      PreemptGuard guard;
      rcu_enter_idle();
    }
    stage.store_release(1);
    while (stage.load_acquire() != 2) std::this_thread::yield();
    PreemptGuard guard;
    rcu_exit_idle();
  });
  while (stage.load_acquire() != 1) std::this_thread::yield();
  finish_grace_period();
  stage.store_release(2);
  idle.join();
}

TEST(Rcu, ReadersNeverSeeAReclaimedObject) {
  RcuPointer<Object> shared;
  shared.publish(new Object);
  Atomic<bool> stop;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&shared, &stop, i] {
      RunningCpu cpu;
      for (int round = 0; !stop.load_acquire(); ++round) {
        {
          RcuReadGuard guard;
          const Object* object = shared.read();
          ASSERT_EQ(object->state, Object::kAlive);
        }
        report_quiescent();
        if (round % 64 == i) {
          PreemptGuard guard;
          rcu_enter_idle();
          rcu_exit_idle();
        }
      }
    });
  }
  uint32_t before = reclaimed.load_relaxed();
  constexpr uint32_t kRounds = 100;
  for (uint32_t i = 0; i < kRounds; ++i) {
    Object* old = shared.read();
    Object* fresh = new Object;
    fresh->value = i;
    shared.publish(fresh);
    retire(*old, [](RcuHead* head) {
      delete static_cast<Object*>(head);
      reclaimed.fetch_add_relaxed(1);
    });
    RcuHead* list = rcu::take_retired();
    finish_grace_period();
    rcu::reclaim(list);
  }
  stop.store_release(true);
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(reclaimed.load_relaxed() - before, kRounds);
  delete shared.read();
}

TEST(Rcu, RetireFromManyCpusWakesOncePerBatch) {
  static Atomic<uint32_t> wakes, hurries;
  wakes.store_relaxed(0);
  hurries.store_relaxed(0);
  rcu::set_waker([](bool hurry) { (hurry ? hurries : wakes).fetch_add_relaxed(1); });
  std::vector<std::thread> threads;
  constexpr uint32_t kEach = 500;
  uint32_t before = reclaimed.load_relaxed();
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (uint32_t n = 0; n < kEach; ++n) {
        retire(*new Object, [](RcuHead* head) {
          delete static_cast<Object*>(head);
          reclaimed.fetch_add_relaxed(1);
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wakes.load_relaxed(), 1u);
  EXPECT_GE(hurries.load_relaxed(), 1u);  // much was retired
  RcuHead* list = rcu::take_retired();
  finish_grace_period();
  EXPECT_EQ(rcu::reclaim(list), 4 * kEach);
  EXPECT_EQ(reclaimed.load_relaxed() - before, 4 * kEach);
}

}  // namespace
}  // namespace kernel
