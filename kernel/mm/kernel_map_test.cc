// SPDX-License-Identifier: MIT
// Kernel mappings: the entries that they make, that they leave nothing behind, and what happens
// when memory runs out half-way. The host translates nothing; the tables are looked at.

#include "mm/kernel_map.h"

#include <gtest/gtest.h>

#include <vector>

#include "host_tests/machine.h"
#include "mm/frames.h"
#include "mm/heap.h"

namespace kernel {
namespace {

using Format = arch::PagingFormat;

struct LinearMemory {
  static uint64_t* entries(PhysAddr table) {
    return reinterpret_cast<uint64_t*>(frames::frame_data(table));
  }
  static Result<PhysAddr> allocate_table() { return Errno::NoMem; }
};
using Walk = PageTableWalk<Format, LinearMemory>;

class KernelMap : public ::testing::Test {
 protected:
  void SetUp() override {
    host_tests::boot_machine();
    arch::kernel_root_table();
    // The upper table levels stay for good: make them first.
    kernel_map::free_pages(kernel_map::allocate_pages(1).take());
    kernel_map::free_stack(kernel_map::allocate_stack().take());
    before_ = settled();
  }
  void TearDown() override { EXPECT_EQ(settled(), before_); }
  static uint64_t settled() {
    kernel_map::drain_caches();
    heap::shrink();
    frames::drain_caches();
    return frames::statistics().free_pages;
  }
  static bool is_mapped(VirtAddr address) {
    return Format::is_present(*Walk::find(arch::kernel_root_table(), raw(address)).entry);
  }
  uint64_t before_ = 0;
};

TEST_F(KernelMap, StacksAreGuardedAndRecycled) {
  std::vector<VirtAddr> stacks;
  for (int i = 0; i < 300; ++i) {
    VirtAddr bottom = kernel_map::allocate_stack().take();
    EXPECT_TRUE(is_aligned(bottom, 2 * kKernelStackSize));
    for (size_t at = 0; at < kKernelStackSize; at += kPageSize) EXPECT_TRUE(is_mapped(bottom + at));
    EXPECT_FALSE(is_mapped(bottom - 1));
    EXPECT_FALSE(is_mapped(bottom + kKernelStackSize));
    stacks.push_back(bottom);
  }
  uint64_t flushes = arch::host::tlb_flushes();
  for (VirtAddr bottom : stacks) kernel_map::free_stack(bottom);
  EXPECT_GT(arch::host::tlb_flushes(), flushes);
  kernel_map::drain_caches();
  for (VirtAddr bottom : stacks) EXPECT_FALSE(is_mapped(bottom));
}

TEST_F(KernelMap, PagesAreReadWriteNotExecutable) {
  VirtAddr start = kernel_map::allocate_pages(1000).take();
  for (size_t i = 0; i < 1000; ++i) {
    uint64_t entry = *Walk::find(arch::kernel_root_table(), raw(start + i * kPageSize)).entry;
    EXPECT_EQ(Format::attributes(entry), (arch::PageAttributes{.writable = true}));
  }
  EXPECT_FALSE(is_mapped(start + 1000 * kPageSize));
  EXPECT_FALSE(is_mapped(start - kPageSize));
  kernel_map::free_pages(start);
  EXPECT_FALSE(is_mapped(start));
}

TEST_F(KernelMap, DeviceRegisters) {
  uint64_t registers = 0;
  {
    Mmio first = Mmio::map(PhysAddr{0x0900'0040}, 0x1000).take();
    Mmio second = Mmio::map(PhysAddr{0x0a00'0000}, 0x200).take();
    EXPECT_EQ(first.physical_base(), PhysAddr{0x0900'0040});
    Mmio moved = std::move(first);
    registers = raw(moved.physical_base());
    moved = std::move(second);
    EXPECT_EQ(moved.physical_base(), PhysAddr{0x0a00'0000});
  }
  EXPECT_EQ(registers, 0x0900'0040u);
  EXPECT_EQ(Mmio::map(PhysAddr{0x1000}, 0).error(), Errno::Inval);
  EXPECT_EQ(Mmio::map(PhysAddr{~uint64_t{0} - 5}, 100).error(), Errno::Inval);
}

TEST_F(KernelMap, DmaBuffers) {
  {
    DmaBuffer coherent = DmaBuffer::allocate(10'000, true).take();
    for (size_t i = 0; i < coherent.size(); ++i) ASSERT_EQ(coherent.data()[i], 0);
    EXPECT_EQ(frames::frame_data(coherent.physical()), coherent.data());
    DmaBuffer uncached = DmaBuffer::allocate(5000, false).take();
    uint64_t entry =
        *Walk::find(arch::kernel_root_table(), reinterpret_cast<uint64_t>(uncached.data())).entry;
    EXPECT_EQ(Format::attributes(entry).type, arch::MemoryType::NonCacheable);
    EXPECT_EQ(Format::address(entry), uncached.physical());
    std::swap(coherent, uncached);
  }
  EXPECT_FALSE(DmaBuffer::allocate(kPageSize << (kMaxOrder + 1), true).ok());
}

TEST_F(KernelMap, DmaBuffersTakeNoMoreThanTheirPages) {
  for (bool coherent : {true, false}) {
    uint64_t before = settled();
    DmaBuffer buffer = DmaBuffer::allocate(33 * kPageSize + 1, coherent).take();
    uint64_t taken = before - settled();
    EXPECT_GE(taken, 34u);
    EXPECT_LT(taken, 34u + 8);  // and what the mapping takes
  }
}

TEST_F(KernelMap, OutOfMemoryUndoesItself) {
  std::vector<PhysAddr> taken;
  for (;;) {
    Result<PhysAddr> frame = frames::allocate();
    if (!frame.ok()) break;
    taken.push_back(frame.value());
  }
  EXPECT_FALSE(kernel_map::allocate_stack().ok());
  EXPECT_FALSE(kernel_map::allocate_pages(10).ok());
  frames::put_batch(taken);
}

}  // namespace
}  // namespace kernel
