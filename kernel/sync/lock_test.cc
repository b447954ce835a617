// SPDX-License-Identifier: MIT
// Spin locks, guards, sequence counters between real threads (TSan watches), and the lock order
// check.

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "sync/per_cpu.h"
#include "sync/seq_lock.h"
#include "sync/spin_lock.h"

namespace kernel {
namespace {

SpinLock<LockRank::Task> outer;
SpinLock<LockRank::Device> device_a, device_b;
SpinLock<LockRank::Leaf> leaf;

TEST(SpinLock, ExcludesThreads) {
  uint64_t counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int round = 0; round < 5000; ++round) {
        Guard guard(leaf);
        ++counter;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter, 20'000u);
}

TEST(SpinLock, MasksInterrupts) {
  EXPECT_TRUE(arch::interrupts_enabled());
  {
    Guard first(outer);
    Guard second(leaf);
    EXPECT_FALSE(arch::interrupts_enabled());
  }
  EXPECT_TRUE(arch::interrupts_enabled());
}

TEST(SpinLock, TryGuard) {
  Guard guard(leaf);
  std::thread([] {
    TryGuard attempt(leaf);
    EXPECT_FALSE(attempt.locked());
    EXPECT_TRUE(arch::interrupts_enabled());
  }).join();
}

TEST(SpinLock, Guard2TakesBothInAddressOrder) {
  std::thread other([] {
    for (int i = 0; i < 2000; ++i) Guard2 guard(device_b, device_a);
  });
  for (int i = 0; i < 2000; ++i) Guard2 guard(device_a, device_b);
  other.join();
  {
    Guard2 same(device_a, device_a);
    EXPECT_FALSE(arch::interrupts_enabled());
  }
  EXPECT_TRUE(arch::interrupts_enabled());
}

TEST(LockOrder, WrongOrderIsReported) {
  EXPECT_DEATH(
      {
        Guard inner(leaf);
        Guard wrong(outer);
      },
      "wrong order: Task.0 .* while holding Leaf.0");
}

TEST(LockOrder, SameLockTwice) {
  EXPECT_DEATH(
      {
        Guard first(outer);
        Guard second(outer);
      },
      "taken twice: Task");
}

TEST(LockOrder, SameRankNeedsSubclasses) {
  {
    Guard parent(device_a, 0);
    Guard child(device_b, 1);
  }
  EXPECT_DEATH(
      {
        Guard first(device_a);
        Guard second(device_b);
      },
      "same rank without a subclass");
}

TEST(LockOrder, TryIsExemptButCounts) {
  Guard inner(device_a);
  TryGuard attempt(outer);  // outer to what is held, but it does not wait
  EXPECT_TRUE(attempt.locked());
  EXPECT_DEATH(Guard wrong(outer), "taken twice");
}

TEST(LockOrder, ASecondReaderMayTry) {
  lockdep::acquire(&outer, LockRank::Task, 0, true);
  lockdep::acquire(&outer, LockRank::Task, lockdep::kTrySubclass, true);
  lockdep::release(&outer);
  EXPECT_DEATH(lockdep::assert_no_locks_held(), "Task");
  lockdep::release(&outer);
  lockdep::assert_no_locks_held();
}

TEST(LockOrder, SleepingWhereOneMayNot) {
  lockdep::assert_may_sleep();
  lockdep::assert_no_locks_held();
  EXPECT_DEATH(
      {
        Guard guard(leaf);
        lockdep::assert_may_sleep();
      },
      "about to sleep .* while holding Leaf");
  EXPECT_DEATH(
      {
        PreemptGuard guard;
        lockdep::assert_may_sleep();
      },
      "preemption off");
  EXPECT_DEATH(
      {
        PreemptGuard guard;
        lockdep::acquire(&leaf, LockRank::Inode, 0, false);
      },
      "sleeping lock Inode");
}

TEST(LockOrder, ReleaseOfWhatIsNotHeld) {
  EXPECT_DEATH(lockdep::release(&leaf), "does not hold it");
}

TEST(LockOrder, ReleaseInAnyOrder) {
  lockdep::acquire(&outer, LockRank::Task, 0, true);
  lockdep::acquire(&leaf, LockRank::Leaf, 0, true);
  lockdep::release(&outer);
  lockdep::release(&leaf);
  lockdep::assert_no_locks_held();
}

TEST(SequenceCounter, ReadersSeeWholePairs) {
  SequenceCounter sequence;
  Atomic<uint64_t> a, b;
  Atomic<bool> stop;
  std::thread writer([&] {
    for (uint64_t i = 1; i < 20'000; ++i) {
      sequence.begin_write();
      a.store_relaxed(i);
      b.store_relaxed(i * 2);
      sequence.end_write();
    }
    stop.store_release(true);
  });
  while (!stop.load_acquire()) {
    uint32_t begun = sequence.begin_read();
    uint64_t x = a.load_relaxed(), y = b.load_relaxed();
    if (!sequence.must_retry(begun)) {
      EXPECT_EQ(y, x * 2);
    }
  }
  writer.join();
}

PER_CPU(uint64_t, test_value);

TEST(PerCpu, EachThreadHasItsOwn) {
  PreemptGuard guard;
  test_value.mine() = 5;
  unsigned here = this_cpu();
  std::thread([here] {
    PreemptGuard inner;
    EXPECT_NE(this_cpu(), here);
    test_value.mine() = 6;
  }).join();
  EXPECT_EQ(test_value.mine(), 5u);
  EXPECT_EQ(&test_value.on(here), &test_value.mine());
  EXPECT_GE(per_cpu_count(), 2u);
}

TEST(PerCpu, OnlyWithoutPreemption) { EXPECT_DEATH(test_value.mine(), "is false"); }

}  // namespace
}  // namespace kernel
