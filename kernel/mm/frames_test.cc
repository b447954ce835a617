// SPDX-License-Identifier: MIT
// The frame allocator: counts to the frame, merging, exhaustion, reserved memory, random torture.

#include "mm/frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "arch/cpu.h"
#include "host_tests/machine.h"
#include "sync/preempt.h"

namespace kernel {
namespace {

using host_tests::boot_machine;
using host_tests::kRam;
using host_tests::kReserved;

class Frames : public ::testing::Test {
 protected:
  void SetUp() override {
    boot_machine();
    frames::drain_caches();
    before_ = frames::statistics();
  }
  void TearDown() override {
    frames::drain_caches();
    frames::Statistics after = frames::statistics();
    EXPECT_EQ(after.free_pages, before_.free_pages);
    for (size_t use = 0; use < kFrameUses; ++use) EXPECT_EQ(after.by_use[use], before_.by_use[use]);
  }
  frames::Statistics before_;
};

uint64_t largest_blocks() {
  std::vector<PhysAddr> blocks;
  for (;;) {
    Result<PhysAddr> block = frames::allocate(kMaxOrder);
    if (!block.ok()) break;
    blocks.push_back(block.value());
  }
  for (PhysAddr block : blocks) frames::free(block);
  return blocks.size();
}

TEST_F(Frames, TotalsAddUp) {
  uint64_t ram = 0;
  for (PhysRange range : kRam) ram += (raw(range.end) >> 12) - pages_for(raw(range.start));
  EXPECT_EQ(before_.total_pages + before_.reserved_pages, ram);
  uint64_t used = 0;
  for (size_t use = 1; use < kFrameUses; ++use) used += before_.by_use[use];
  EXPECT_EQ(before_.free_pages + used, before_.total_pages);
  // Image with device tree, initrd; metadata is 16 bytes a frame plus less than a largest block per
  // GiB.
  uint64_t stated = 0x102 + 0x800;
  EXPECT_GE(before_.reserved_pages, stated + ram * 16 / kPageSize);
  EXPECT_LE(before_.reserved_pages, stated + ram * 16 / kPageSize + 3 * 64 + 64);
}

TEST_F(Frames, SingleFrame) {
  PhysAddr frame = frames::allocate(0, FrameUse::Anonymous, AllocationFlags::Zero).take();
  EXPECT_EQ(frames::frame_of(frame).references.load_relaxed(), 1u);
  EXPECT_EQ(frames::frame_of(frame).use, FrameUse::Anonymous);
  EXPECT_EQ(frames::statistics().by_use[static_cast<size_t>(FrameUse::Anonymous)],
            before_.by_use[static_cast<size_t>(FrameUse::Anonymous)] + 1);
  EXPECT_EQ(frames::statistics().free_pages, before_.free_pages - 1);
  for (size_t i = 0; i < kPageSize; ++i) ASSERT_EQ(frames::frame_data(frame)[i], 0);
  frames::get(frame);
  frames::put(frame);
  EXPECT_TRUE(frames::try_get(frame));
  frames::put(frame);
  frames::put(frame);
  EXPECT_FALSE(frames::try_get(frame));
}

TEST_F(Frames, BlocksAreAlignedAndMergeBack) {
  uint64_t large = largest_blocks();
  EXPECT_GE(large, 4u);
  for (unsigned order = 0; order <= kMaxOrder; ++order) {
    PhysAddr block = frames::allocate(order).take();
    EXPECT_TRUE(is_aligned(block, kPageSize << order));
    frames::free(block);
  }
  frames::drain_caches();
  EXPECT_EQ(largest_blocks(), large);
}

TEST_F(Frames, EverythingCanBeHadAndScribbled) {
  uint64_t large = largest_blocks();
  std::vector<PhysAddr> taken;
  ThreadBase& thread = *arch::current_thread();
  bool above_4g = false;
  for (;;) {
    Result<PhysAddr> frame = frames::allocate(0, FrameUse::Kernel, AllocationFlags::Reserve);
    if (!frame.ok()) {
      EXPECT_EQ(frame.error(), Errno::NoMem);
      break;
    }
    PhysAddr address = frame.value();
    for (PhysRange hole : kReserved)
      ASSERT_FALSE(
          (PhysRange{page_of(hole.start), align_up(hole.end, kPageSize)}.contains(address)));
    bool in_ram = false;
    for (PhysRange range : kRam)
      in_ram |= range.contains(address) && range.contains(address + kPageSize - 1);
    ASSERT_TRUE(in_ram && frames::is_ram(address));
    above_4g |= raw(address) >= 4 * GiB;
    std::memset(frames::frame_data(address), 0xcc, 64);  // metadata must not lie in a free frame
    taken.push_back(address);
  }
  EXPECT_TRUE(above_4g);
  EXPECT_EQ(thread.memory_flags, 0u);
  EXPECT_EQ(taken.size(), before_.free_pages);
  EXPECT_EQ(frames::statistics().free_pages, 0u);
  std::vector<PhysAddr> sorted = taken;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());
  std::shuffle(taken.begin(), taken.end(), std::mt19937(1));
  frames::put_batch(taken);
  frames::drain_caches();
  EXPECT_EQ(largest_blocks(), large);
}

TEST_F(Frames, ReserveIsForThoseWhoNeedIt) {
  std::vector<PhysAddr> taken;
  auto take_all = [&taken](AllocationFlags flags) {
    size_t start = taken.size();
    for (;;) {
      Result<PhysAddr> frame = frames::allocate(0, FrameUse::Kernel, flags);
      if (!frame.ok()) return taken.size() - start;
      taken.push_back(frame.value());
    }
  };
  take_all(AllocationFlags::None);
  EXPECT_GT(take_all(AllocationFlags::NoWait), 0u);
  EXPECT_GT(take_all(AllocationFlags::NoWait | AllocationFlags::Reserve), 0u);
  EXPECT_EQ(frames::statistics().free_pages, 0u);
  frames::put_batch(taken);
}

TEST_F(Frames, SplitBlock) {
  PhysAddr block = frames::allocate(4, FrameUse::Object).take();
  frames::split(block);
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(frames::frame_of(block + i * kPageSize).references.load_relaxed(), 1u);
    frames::put(block + i * kPageSize);
  }
}

TEST_F(Frames, TooLarge) { EXPECT_EQ(frames::allocate(kMaxOrder + 1).error(), Errno::NoMem); }

std::vector<PhysAddr>* reclaimable = nullptr;
uint64_t give_back(uint64_t wanted) {
  EXPECT_NE(arch::current_thread()->memory_flags & kMemoryReclaiming, 0u);
  uint64_t freed = 0;
  while (reclaimable != nullptr && !reclaimable->empty() && freed < wanted) {
    frames::put(reclaimable->back());
    reclaimable->pop_back();
    ++freed;
  }
  return freed;
}
int kills = 0;
bool kill_one() { return ++kills < 3; }

TEST_F(Frames, ReclaimThenKillThenFail) {
  frames::add_reclaimer(give_back);
  frames::set_out_of_memory_handler(kill_one);
  std::vector<PhysAddr> taken;
  while (taken.size() + 200 < before_.free_pages) {
    Result<PhysAddr> frame = frames::allocate(0, FrameUse::Kernel, AllocationFlags::NoWait);
    if (!frame.ok()) break;
    taken.push_back(frame.value());
  }
  std::vector<PhysAddr> clean(taken.end() - 1000, taken.end());
  taken.resize(taken.size() - 1000);
  reclaimable = &clean;
  kills = 0;
  std::vector<PhysAddr> more;
  for (;;) {
    Result<PhysAddr> frame = frames::allocate();
    if (!frame.ok()) break;
    more.push_back(frame.value());
  }
  EXPECT_TRUE(clean.empty());
  EXPECT_EQ(kills, 3);
  EXPECT_GE(more.size(), 400u);  // the rest refilled the reserve that NoWait had used
  // Where sleeping is impossible nothing is reclaimed or killed.
  {
    PreemptGuard guard;
    Result<PhysAddr> frame = frames::allocate(5);
    EXPECT_EQ(kills, 3);
    if (frame.ok()) frames::free(frame.value());
  }
  reclaimable = nullptr;
  frames::put_batch(taken);
  frames::put_batch(more);
  frames::set_out_of_memory_handler(nullptr);
}

TEST_F(Frames, RandomTorture) {
  std::mt19937 random(7);
  std::map<PhysAddr, unsigned> held;
  uint64_t large = largest_blocks();
  for (int step = 0; step < 60'000; ++step) {
    if (held.size() < 200 + random() % 400) {
      auto order = static_cast<unsigned>(random() % 16 == 0 ? random() % 11 : random() % 4);
      Result<PhysAddr> block = frames::allocate(order);
      if (!block.ok()) continue;
      auto [at, added] = held.emplace(block.value(), order);
      ASSERT_TRUE(added);
      auto next = std::next(at);
      if (next != held.end()) {
        ASSERT_LE(raw(at->first) + (kPageSize << order), raw(next->first));
      }
      if (at != held.begin()) {
        auto previous = std::prev(at);
        ASSERT_LE(raw(previous->first) + (kPageSize << previous->second), raw(at->first));
      }
    } else {
      auto at = held.begin();
      std::advance(at, static_cast<ptrdiff_t>(random() % held.size()));
      frames::free(at->first);
      held.erase(at);
    }
  }
  for (auto [block, order] : held) frames::free(block);
  frames::drain_caches();
  EXPECT_EQ(largest_blocks(), large);
}

TEST_F(Frames, ManyCpus) {
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([seed] {
      std::mt19937 random(seed);
      std::vector<PhysAddr> held;
      for (int step = 0; step < 20'000; ++step) {
        if (random() % 2 == 0 && held.size() < 300) {
          Result<PhysAddr> frame = frames::allocate();
          if (frame.ok()) held.push_back(frame.value());
        } else if (!held.empty()) {
          frames::put(held.back());
          held.pop_back();
        }
        if (step % 5000 == 0) frames::drain_caches();
      }
      frames::put_batch(held);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Frames, ReleaseReserved) {
  frames::release_reserved(kReserved[2]);
  frames::drain_caches();
  frames::Statistics after = frames::statistics();
  uint64_t pages = kReserved[2].size() / kPageSize;
  EXPECT_EQ(after.free_pages, before_.free_pages + pages);
  EXPECT_EQ(after.total_pages, before_.total_pages + pages);
  EXPECT_EQ(after.reserved_pages, before_.reserved_pages - pages);
  EXPECT_DEATH(frames::release_reserved(kReserved[2]), "is false");
  before_ = after;
}

TEST_F(Frames, DoubleFreeIsSeen) {
  PhysAddr frame = frames::allocate().take();
  frames::free(frame);
  EXPECT_DEATH(frames::free(frame), "is false");
}

}  // namespace
}  // namespace kernel
