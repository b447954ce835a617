// SPDX-License-Identifier: MIT
// The object allocator: sizes, alignment, leaks, misuse, failure injection.

#include "mm/heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "arch/cpu.h"
#include "host_tests/machine.h"
#include "mm/allocation_failure.h"

namespace kernel {
namespace {

constexpr AllocationFlags kNone = AllocationFlags::None;

class Heap : public ::testing::Test {
 protected:
  void SetUp() override {
    host_tests::boot_machine();
    before_ = settled();
  }
  void TearDown() override {
    EXPECT_EQ(settled(), before_);
    for (size_t i = 0; i < heap::cache_count(); ++i)
      EXPECT_EQ(heap::cache_statistics(i).active_objects, 0u);
  }
  static uint64_t settled() {
    heap::shrink();
    frames::drain_caches();
    return frames::statistics().free_pages;
  }
  uint64_t before_ = 0;
};

TEST_F(Heap, EverySizeIsAlignedAndUsable) {
  for (size_t size = 0; size <= 9000; size += size < 300 ? 1 : 37) {
    auto* memory = static_cast<uint8_t*>(heap::allocate(size, 16, kNone));
    ASSERT_NE(memory, nullptr);
    auto address = reinterpret_cast<uint64_t>(memory);
    EXPECT_TRUE(is_aligned(address, 16));
    if (size != 0 && (size & (size - 1)) == 0 && size <= kPageSize) {
      EXPECT_TRUE(is_aligned(address, size));
    }
    std::memset(memory, 0x11, size);
    heap::free(memory);
  }
}

TEST_F(Heap, LargeAlignment) {
  for (size_t alignment = 32; alignment <= 64 * KiB; alignment *= 2) {
    void* memory = heap::allocate(40, alignment, kNone);
    ASSERT_NE(memory, nullptr);
    EXPECT_TRUE(is_aligned(
        raw(arch::physical_address(VirtAddr{reinterpret_cast<uint64_t>(memory)})), alignment));
    heap::free(memory);
  }
}

TEST_F(Heap, ZeroAndNull) {
  auto* memory = static_cast<uint8_t*>(heap::allocate(700, 16, AllocationFlags::Zero));
  for (size_t i = 0; i < 700; ++i) ASSERT_EQ(memory[i], 0);
  heap::free(memory);
  heap::free(nullptr);
  EXPECT_EQ(heap::allocate(size_t{1} << 40, 16, kNone), nullptr);
  EXPECT_EQ(heap::allocate(~size_t{0}, 16, kNone), nullptr);
}

TEST_F(Heap, RandomObjectsKeepTheirContents) {
  std::mt19937 random(3);
  struct Object {
    uint8_t* memory;
    size_t size;
    uint8_t fill;
  };
  std::vector<Object> objects;
  for (int step = 0; step < 40'000; ++step) {
    if (random() % 100 < 55 && objects.size() < 3000) {
      size_t size = random() % 32 == 0 ? random() % 20'000 : random() % 600;
      auto fill = static_cast<uint8_t>(random());
      auto* memory = static_cast<uint8_t*>(heap::allocate(size, 16, kNone));
      ASSERT_NE(memory, nullptr);
      std::memset(memory, fill, size);
      objects.push_back({memory, size, fill});
    } else if (!objects.empty()) {
      std::swap(objects[random() % objects.size()], objects.back());
      Object object = objects.back();
      objects.pop_back();
      for (size_t i = 0; i < object.size; ++i) ASSERT_EQ(object.memory[i], object.fill);
      heap::free(object.memory);
    }
  }
  for (Object& object : objects) heap::free(object.memory);
}

TEST_F(Heap, StatisticsCountLiveObjects) {
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(heap::allocate(100, 16, kNone));
  uint64_t active = 0;
  for (size_t i = 0; i < heap::cache_count(); ++i) {
    heap::CacheStatistics statistics = heap::cache_statistics(i);
    if (statistics.object_size != 128) continue;
    active = statistics.active_objects;
    EXPECT_GE(statistics.total_objects, active);
    EXPECT_GE(statistics.pages * kPageSize, active * 128);
  }
  EXPECT_EQ(active, 1000u);
  for (void* object : objects) heap::free(object);
}

TEST_F(Heap, FreedOnAnotherCpu) {
  std::vector<void*> objects;
  for (int i = 0; i < 5000; ++i) objects.push_back(heap::allocate(64, 16, kNone));
  std::thread([&objects] {
    for (void* object : objects) heap::free(object);
  }).join();
}

TEST_F(Heap, ManyCpus) {
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([seed] {
      std::mt19937 random(seed);
      std::vector<void*> held;
      for (int step = 0; step < 20'000; ++step) {
        if (random() % 2 == 0) {
          held.push_back(heap::allocate(random() % 2000, 16, kNone));
        } else if (!held.empty()) {
          heap::free(held.back());
          held.pop_back();
        }
        if (step % 7000 == 0) heap::shrink();
      }
      for (void* object : held) heap::free(object);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Heap, MisuseIsSeen) {
  void* object = heap::allocate(100, 16, kNone);
  heap::free(object);
  EXPECT_DEATH(heap::free(object), "freed twice");
  EXPECT_DEATH(
      {
        static_cast<uint8_t*>(object)[50] = 1;
        for (int i = 0; i < 10; ++i) heap::allocate(100, 16, kNone);
      },
      "written after it was freed");
}

TEST_F(Heap, FailureInjection) {
  ThreadBase& thread = *arch::current_thread();
  heap::free(heap::allocate(16, 16, kNone));  // from here on objects come from this CPU's cache
  uint64_t before = allocation_failure::count();
  thread.allocations_until_failure.store_relaxed(3);
  std::vector<bool> worked;
  for (int i = 0; i < 5; ++i) {
    void* object = heap::allocate(16, 16, kNone);
    worked.push_back(object != nullptr);
    heap::free(object);
  }
  EXPECT_EQ(worked, (std::vector<bool>{true, true, false, true, true}));
  EXPECT_EQ(thread.allocations_until_failure.load_relaxed(), 0u);
  thread.allocations_until_failure.store_relaxed(1);
  EXPECT_EQ(frames::allocate().error(), Errno::NoMem);
  EXPECT_EQ(allocation_failure::count(), before + 2);
}

}  // namespace
}  // namespace kernel
