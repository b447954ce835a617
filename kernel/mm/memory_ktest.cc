// SPDX-License-Identifier: MIT
// Memory on the real machine: large contiguous blocks, memory above 4 GiB, what is reserved stays
// untouched, nothing leaks with threads on all CPUs, and no kernel page is writable and executable.
// RCU and threads come from sched, which stands above mm: tests may.

#include "arch/early.h"
#include "lib/ktest.h"
#include "lib/vector.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"
#include "sched/completion.h"
#include "sync/rcu.h"

namespace kernel {
namespace {

uint64_t settled_free_pages() {
  rcu_barrier();
  kernel_map::drain_caches();
  heap::shrink();
  frames::drain_caches();
  return frames::statistics().free_pages;
}

KTEST(frames_contiguous_64_mib) {
  settled_free_pages();
  if (frames::total_pages() < 3 * (uint64_t{1} << kMaxOrder))
    KTEST_SKIP("little memory");
  Result<PhysAddr> block = frames::allocate(kMaxOrder);
  EXPECT(block.ok());
  if (!block.ok()) return;
  EXPECT(is_aligned(block.value(), kPageSize << kMaxOrder));
  frames::free(block.value());
}

KTEST(frames_above_4_gib) {
  if (!frames::is_ram(PhysAddr{4 * GiB})) KTEST_SKIP("no memory above 4 GiB");
  Vector<PhysAddr> blocks;
  bool found = false;
  while (!found) {
    Result<PhysAddr> block = frames::allocate(kMaxOrder);
    if (!block.ok()) break;
    EXPECT(blocks.append(block.value()).ok());
    found = raw(block.value()) >= 4 * GiB;
    auto* words = reinterpret_cast<uint64_t*>(frames::frame_data(block.value()));
    words[0] = raw(block.value());
    words[1] = ~raw(block.value());
  }
  EXPECT(found);
  for (PhysAddr block : blocks) {
    auto* words = reinterpret_cast<uint64_t*>(frames::frame_data(block));
    EXPECT(words[0] == raw(block) && words[1] == ~raw(block));
    frames::free(block);
  }
}

uint64_t checksum(PhysAddr start, size_t size) {
  auto* words = reinterpret_cast<const uint64_t*>(frames::frame_data(start));
  uint64_t sum = 0;
  for (size_t i = 0; i < size / sizeof(uint64_t); ++i) sum = std::rotl(sum, 7) ^ words[i];
  return sum;
}

// Every frame that can be had is written to; code and constants must be what they were (BT11).
KTEST(frames_are_nobody_elses) {
  if (frames::total_pages() > GiB / kPageSize) KTEST_SKIP("too much memory to touch");
  PhysRange image = arch::image_range();
  constexpr size_t kCode = 128 * KiB;  // the image starts with code
  uint64_t before = checksum(image.start, kCode);
  uint64_t taken = 0;
  PhysAddr chain{};  // through the frames themselves
  for (;;) {
    Result<PhysAddr> frame = frames::allocate(0, FrameUse::Kernel, AllocationFlags::NoWait);
    if (!frame.ok()) break;
    EXPECT(!image.contains(frame.value()));
    auto* words = reinterpret_cast<uint64_t*>(frames::frame_data(frame.value()));
    words[0] = raw(chain);
    words[kPageSize / sizeof(uint64_t) - 1] = 0x5a5a'5a5a'5a5a'5a5a;
    chain = frame.value();
    ++taken;
  }
  EXPECT(taken > frames::total_pages() / 4);
  EXPECT(checksum(image.start, kCode) == before);
  while (chain != PhysAddr{}) {
    PhysAddr next{*reinterpret_cast<uint64_t*>(frames::frame_data(chain))};
    frames::free(chain);
    chain = next;
  }
}

struct Storm {
  Completion done;
  Atomic<uint32_t> failures;
};

void storm_thread(void* argument) {
  auto& storm = *static_cast<Storm*>(argument);
  constexpr size_t kHeld = 64;
  void* held[kHeld] = {};
  PhysAddr frames_held[kHeld] = {};
  for (uint32_t round = 0; round < 4000; ++round) {
    size_t slot = round * 2654435761u % kHeld;
    heap::free(held[slot]);
    held[slot] = heap::allocate(round * 37 % 3000, 16, AllocationFlags::None);
    if (frames_held[slot] != PhysAddr{}) frames::put(frames_held[slot]);
    Result<PhysAddr> frame = frames::allocate(0, FrameUse::Kernel, AllocationFlags::Zero);
    frames_held[slot] = frame.ok() ? frame.value() : PhysAddr{};
    if (held[slot] == nullptr || !frame.ok()) storm.failures.fetch_add_relaxed(1);
    if (frame.ok()) *frames::frame_data(frame.value()) = 1;
  }
  for (size_t slot = 0; slot < kHeld; ++slot) {
    heap::free(held[slot]);
    if (frames_held[slot] != PhysAddr{}) frames::put(frames_held[slot]);
  }
  storm.done.complete();
}

// Objects, frames and stacks from threads on all CPUs: afterwards every frame is back.
KTEST(memory_does_not_leak) {
  uint64_t before = settled_free_pages();
  for (int generation = 0; generation < 3; ++generation) {
    Storm storms[8];
    for (Storm& storm : storms) {
      Result<Ref<Thread>> thread = Thread::create_kernel("storm", storm_thread, &storm);
      EXPECT(thread.ok());
      if (!thread.ok()) return;
      (*thread)->start();
    }
    for (Storm& storm : storms) {
      EXPECT(storm.done.wait().ok());
      EXPECT(storm.failures.load_relaxed() == 0);
    }
  }
  // The last thread may still be on its way out.
  uint64_t after = 0;
  for (int attempt = 0; attempt < 20 && after != before; ++attempt) {
    sched::sleep_until(Deadline::after(10'000'000));
    after = settled_free_pages();
  }
  EXPECT(after == before);
  if (after != before) log_error("free pages: {} before, {} after", before, after);
}

struct LinearMemory {
  static uint64_t* entries(PhysAddr table) {
    return reinterpret_cast<uint64_t*>(raw(arch::linear_address(table)));
  }
};

struct Leaves {
  uint64_t count = 0;
  uint64_t writable_and_executable = 0;
  uint64_t user = 0;
};

// Recursion of at most four levels.
void visit(PhysAddr table, unsigned level, Leaves& leaves) {
  using Format = arch::PagingFormat;
  for (size_t i = 0; i < Format::kEntries; ++i) {
    uint64_t entry = LinearMemory::entries(table)[i];
    if (!Format::is_present(entry)) continue;
    if (Format::is_table(entry, level)) {
      visit(Format::address(entry), level - 1, leaves);
      continue;
    }
    arch::PageAttributes attributes = Format::attributes(entry);
    ++leaves.count;
    leaves.writable_and_executable += attributes.writable && attributes.executable;
    leaves.user += attributes.user;
  }
}

// MM6, MM7: the live table.
KTEST(kernel_map_is_w_xor_x) {
  Leaves leaves;
  visit(arch::kernel_root_table(), arch::PagingFormat::kTopLevel, leaves);
  EXPECT(leaves.count > 100);
  EXPECT(leaves.writable_and_executable == 0);
  EXPECT(leaves.user == 0);
}

KTEST(kernel_stacks_are_guarded) {
  using Walk = PageTableWalk<arch::PagingFormat, LinearMemory>;
  Result<VirtAddr> stack = kernel_map::allocate_stack();
  EXPECT(stack.ok());
  if (!stack.ok()) return;
  auto is_mapped = [](VirtAddr address) {
    return arch::PagingFormat::is_present(
        *Walk::find(arch::kernel_root_table(), raw(address)).entry);
  };
  VirtAddr bottom = stack.value();
  EXPECT(is_aligned(bottom, 2 * kKernelStackSize));
  EXPECT(is_mapped(bottom) && is_mapped(bottom + kKernelStackSize - 1));
  EXPECT(!is_mapped(bottom - 1) && !is_mapped(bottom - kKernelStackSize));
  EXPECT(!is_mapped(bottom + kKernelStackSize));
  kernel_map::free_stack(bottom);
}

KTEST(kernel_pages_are_zero_and_writable) {
  Result<VirtAddr> start = kernel_map::allocate_pages(70);
  EXPECT(start.ok());
  if (!start.ok()) return;
  auto* words = reinterpret_cast<uint64_t*>(raw(start.value()));
  bool zero = true;
  for (size_t i = 0; i < 70 * kPageSize / sizeof(uint64_t); ++i) {
    zero &= words[i] == 0;
    words[i] = i;
  }
  EXPECT(zero);
  kernel_map::free_pages(start.value());
}

}  // namespace
}  // namespace kernel
