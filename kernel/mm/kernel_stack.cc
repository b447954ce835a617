// SPDX-License-Identifier: MIT
// Kernel stacks in slots of 32 KiB, lowest slot first, so that their tables stay few. An overflow
// runs into the unmapped upper half of the slot below, and the entry vector sees it by one bit of
// SP.
//
//   | stack 16 KiB | unmapped 16 KiB | stack 16 KiB | unmapped 16 KiB | ...
//   ^ 32 KiB aligned, SP bit 14 = 0

#include "mm/kernel_stack.h"

#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "mm/frames.h"
#include "mm/kernel_map.h"
#include "mm/kernel_table.h"
#include "sync/per_cpu.h"
#include "sync/spin_lock.h"

namespace kernel::kernel_map {
namespace {

static_assert(kStackSlot == 2 * kKernelStackSize);
constexpr VirtAddr kStackArea{arch::kKernelMapBase};

SpinLock<LockRank::KernelMap> slot_lock;
// Slot 0 stays empty: below it is the linear map, not a guard.
constinit Bitmap<kMaxStacks> slots GUARDED_BY(slot_lock);
constinit Atomic<size_t> slots_taken{0};

struct StackCache {
  static constexpr size_t kStacks = 4;
  SpinLock<LockRank::StackCache> lock;
  size_t count GUARDED_BY(lock) = 0;
  VirtAddr stacks[kStacks] GUARDED_BY(lock) = {};
};
PER_CPU(StackCache, stack_cache);

Result<VirtAddr> take_slot() {
  Guard guard(slot_lock);
  size_t slot = slots.find_clear(1);
  if (slot == slots.npos) return Errno::Again;
  slots.set(slot);
  slots_taken.fetch_add_relaxed(1);
  return kStackArea + slot * kStackSlot;
}

void release_stack(VirtAddr bottom) {
  kernel_table::unmap({bottom, bottom + kKernelStackSize}, kernel_table::Backing::Free);
  Guard guard(slot_lock);
  slots.clear((bottom - kStackArea) / kStackSlot);
  slots_taken.fetch_sub_relaxed(1);
}

bool take_cached(StackCache& cache, VirtAddr& bottom) {
  Guard guard(cache.lock);
  if (cache.count == 0) return false;
  bottom = cache.stacks[--cache.count];
  return true;
}

bool keep(StackCache& cache, VirtAddr bottom) {
  Guard guard(cache.lock);
  if (cache.count == StackCache::kStacks) return false;
  cache.stacks[cache.count++] = bottom;
  return true;
}

uint64_t reclaim(uint64_t) { return drain_caches(); }

}  // namespace

void init_stacks() { frames::add_reclaimer(reclaim); }

Result<VirtAddr> allocate_stack() {
  VirtAddr bottom{};
  if (take_cached(stack_cache.nearby(), bottom)) return bottom;
  bottom = TRY(take_slot());
  for (VirtAddr page = bottom; page < bottom + kKernelStackSize; page += kPageSize) {
    Result<PhysAddr> frame = frames::allocate();
    if (frame.ok()) {
      if (kernel_table::map(page, frame.value(), {.writable = true}).ok()) continue;
      frames::free(frame.value());
    }
    release_stack(bottom);
    return Errno::NoMem;
  }
  return bottom;
}

void free_stack(VirtAddr bottom) {
  DCHECK(is_aligned(bottom, kStackSlot));
  if (!keep(stack_cache.nearby(), bottom)) release_stack(bottom);
}

uint64_t stack_pages() { return slots_taken.load_relaxed() * (kKernelStackSize / kPageSize); }

uint64_t drain_caches() {
  uint64_t pages = 0;
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    VirtAddr bottom{};
    while (take_cached(stack_cache.on(cpu), bottom)) {
      release_stack(bottom);
      pages += kKernelStackSize / kPageSize;
    }
  }
  return pages;
}

}  // namespace kernel::kernel_map
