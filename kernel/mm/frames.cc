// SPDX-License-Identifier: MIT
// The frame allocator's public face: per-CPU caches of single frames over the buddy lists,
// reference counts and statistics. A CPU's cache has a lock of its own, nearly always free, so that
// any context may use it and any CPU may empty it. Boot-time layout is in frame_table.cc, reclaim
// in reclaim.cc.

#include "mm/frames.h"

#include "mm/allocation_failure.h"
#include "mm/buddy.h"
#include "mm/reclaim.h"
#include "sync/per_cpu.h"
#include "sync/spin_lock.h"

namespace kernel::frames {
namespace {

// A refill takes half the cache at once, contiguous where possible.
constexpr uint32_t kCacheFrames = 64;
constexpr uint32_t kBatch = kCacheFrames / 2;

struct FrameCache {
  SpinLock<LockRank::FrameCache> lock;
  uint32_t count GUARDED_BY(lock) = 0;
  FrameNumber frames[kCacheFrames] GUARDED_BY(lock) = {};
  // Pages handed out minus pages taken back through this cache; only the sum over CPUs means
  // anything.
  int64_t used[kFrameUses] GUARDED_BY(lock) = {};
};
PER_CPU(FrameCache, frame_cache);

struct Zone {
  SpinLock<LockRank::Frames> lock;
  Buddy buddy GUARDED_BY(lock);
  // Kept back from ordinary allocations; see Purpose.
  uint64_t reserve GUARDED_BY(lock) = 0;
  Atomic<uint64_t> total;  // changed under the lock
};
constinit Zone zone;

size_t index(FrameUse use) { return static_cast<size_t>(use); }

// How deep an allocation may dig: interrupts and spin-lock holders cannot wait for reclaim, so they
// get half of the reserve; who frees memory by allocating a little gets all of it.
uint64_t floor_locked(AllocationFlags flags) REQUIRES(zone.lock) {
  if (has(flags, AllocationFlags::Reserve)) return 0;
  if (has(flags, AllocationFlags::NoWait)) return zone.reserve / 2;
  return zone.reserve;
}

constinit Atomic<LowMemoryHook> low_memory_hook;

bool is_low_locked() REQUIRES(zone.lock) { return zone.buddy.free_pages() < 2 * zone.reserve; }

// Tells whoever frees memory ahead of need; from threads that hold no spin lock only.
void note_low_memory() {
  LowMemoryHook hook = low_memory_hook.load_acquire();
  if (hook != nullptr && reclaim::may_wait()) hook();
}

// As many as there are, up to a batch. Returns whether memory was low.
bool refill_locked(FrameCache& cache, AllocationFlags flags) REQUIRES(cache.lock) {
  Guard guard(zone.lock);
  bool low = is_low_locked();
  uint64_t floor = floor_locked(flags), free = zone.buddy.free_pages();
  if (free <= floor) return low;
  uint64_t wanted = free - floor < kBatch ? free - floor : kBatch;
  cache.count = static_cast<uint32_t>(zone.buddy.take_singles({cache.frames, wanted}));
  return low;
}

// Frames come back much as they were handed out, next to each other: a run of neighbours is merged
// as one range instead of frame by frame.
void give_back_locked(std::span<const FrameNumber> frames) REQUIRES(zone.lock) {
  while (!frames.empty()) {
    FrameRange run{frames[0], frames[0] + 1};
    size_t count = 1;
    for (; count < frames.size(); ++count) {
      FrameNumber number = frames[count];
      if (number + 1 == run.start) {
        run.start = number;
      } else if (number == run.end) {
        run.end = number + 1;
      } else {
        break;
      }
    }
    zone.buddy.add_range(run);
    frames = frames.subspan(count);
  }
}

// Returns the `count` frames that lie longest in the cache.
void flush_locked(FrameCache& cache, uint32_t count) REQUIRES(cache.lock) {
  {
    Guard guard(zone.lock);
    give_back_locked({cache.frames, count});
  }
  cache.count -= count;
  for (uint32_t i = 0; i < cache.count; ++i) cache.frames[i] = cache.frames[i + count];
}

void push_locked(FrameCache& cache, FrameNumber number, Frame& frame) REQUIRES(cache.lock) {
  if (cache.count == kCacheFrames) flush_locked(cache, kBatch);
  --cache.used[index(frame.use)];
  frame.use = FrameUse::Free;
  cache.frames[cache.count++] = number;
}

[[gnu::noinline]] FrameNumber refill_and_take(FrameUse use, AllocationFlags flags) {
  FrameNumber number = 0;
  bool low = false;
  {
    FrameCache& cache = frame_cache.nearby();
    Guard guard(cache.lock);
    if (cache.count == 0) low = refill_locked(cache, flags);
    if (cache.count != 0) {
      ++cache.used[index(use)];
      number = cache.frames[--cache.count];
    }
  }
  if (low) note_low_memory();
  return number;
}

FrameNumber take_single(FrameUse use, AllocationFlags flags) {
  {
    FrameCache& cache = frame_cache.nearby();
    Guard guard(cache.lock);
    if (cache.count != 0) [[likely]] {
      ++cache.used[index(use)];
      return cache.frames[--cache.count];
    }
  }
  return refill_and_take(use, flags);
}

FrameNumber take_block(unsigned order, FrameUse use, AllocationFlags flags) {
  uint64_t pages = uint64_t{1} << order;
  FrameNumber block = 0;
  bool low;
  {
    FrameCache& cache = frame_cache.nearby();
    Guard cache_guard(cache.lock);
    Guard guard(zone.lock);
    low = is_low_locked();
    if (zone.buddy.free_pages() >= floor_locked(flags) + pages) block = zone.buddy.take(order);
    if (block != 0) cache.used[index(use)] += static_cast<int64_t>(pages);
  }
  if (low) note_low_memory();
  return block;
}

FrameNumber take(unsigned order, FrameUse use, AllocationFlags flags) {
  return order == 0 ? take_single(use, flags) : take_block(order, use, flags);
}

void hand_out(Frame& frame, unsigned order, FrameUse use) {
  frame.use = use;
  frame.order = static_cast<uint8_t>(order);
  frame.flags.store_relaxed(0);
  frame.data = 0;
  // A lock-free try_get() that sees the count sees the rest.
  frame.references.store_release(1);
}

// Memory is short: first what other CPUs hold, then, where the thread may sleep, what can be freed.
FrameNumber take_after_reclaim(unsigned order, FrameUse use, AllocationFlags flags) {
  drain_caches();
  FrameNumber number = take(order, use, flags);
  if (number != 0 || has(flags, AllocationFlags::NoWait) || has(flags, AllocationFlags::Spare) ||
      !reclaim::may_wait())
    return number;
  if (reclaim::is_reclaiming()) return take(order, use, flags | AllocationFlags::Reserve);
  reclaim::Attempts attempts(order);
  while (number == 0 && attempts.make_room()) {
    drain_caches();
    number = take(order, use, flags);
  }
  return number;
}

void free_block(FrameNumber block, Frame& frame) {
  FrameCache& cache = frame_cache.nearby();
  Guard cache_guard(cache.lock);
  cache.used[index(frame.use)] -= static_cast<int64_t>(uint64_t{1} << frame.order);
  Guard guard(zone.lock);
  zone.buddy.add(block, frame.order);
}

}  // namespace

void init(std::span<const PhysRange> ram, std::span<const PhysRange> reserved) {
  std::span<const FrameRange> ranges = table::init(ram, reserved);
  Guard guard(zone.lock);
  // From the top down: the lists then hand out low memory first.
  for (size_t i = ranges.size(); i > 0; --i) zone.buddy.add_range(ranges[i - 1]);
  zone.total.store_relaxed(zone.buddy.free_pages());
  zone.reserve = zone.total.load_relaxed() / 128;
  if (zone.reserve < 32) zone.reserve = 32;
  if (zone.reserve > 1024) zone.reserve = 1024;
}

void release_reserved(PhysRange range) {
  FrameRange numbers{number_of(range.start), number_of(range.end)};
  DCHECK(is_aligned(range.start, kPageSize) && is_aligned(range.end, kPageSize));
  for (FrameNumber number = numbers.start; number < numbers.end; ++number) {
    CHECK(number != 0 && table::contains(number) &&
          (frame_at(number).flags.load_relaxed() & kFrameReserved) != 0);
    frame_at(number).flags.store_relaxed(0);
  }
  Guard guard(zone.lock);
  zone.buddy.add_range(numbers);
  zone.total.fetch_add_relaxed(numbers.end - numbers.start);
}

Result<PhysAddr> allocate(unsigned order, FrameUse use, AllocationFlags flags) {
  DCHECK(use != FrameUse::Free);
  if (order > kMaxOrder || allocation_failure::is_due()) return Errno::NoMem;
  FrameNumber number = take(order, use, flags);
  if (number == 0) [[unlikely]] {
    number = take_after_reclaim(order, use, flags);
    if (number == 0) return Errno::NoMem;
  }
  hand_out(frame_at(number), order, use);
  PhysAddr address = address_of(number);
  if (has(flags, AllocationFlags::Zero)) {
    VirtAddr page = arch::linear_address(address);
    for (size_t i = 0; i < size_t{1} << order; ++i) arch::zero_page(page + i * kPageSize);
  }
  return address;
}

void free(PhysAddr block) {
  FrameNumber number = number_of(block);
  Frame& frame = frame_at(number);
  CHECK(frame.use != FrameUse::Free && (frame.flags.load_relaxed() & kFrameReserved) == 0);
  frame.references.store_relaxed(0);
  if (frame.order != 0) return free_block(number, frame);
  FrameCache& cache = frame_cache.nearby();
  Guard guard(cache.lock);
  push_locked(cache, number, frame);
}

void split(PhysAddr block) {
  Frame& head = frame_of(block);
  FrameUse use = head.use;
  FrameNumber number = number_of(block), count = FrameNumber{1} << head.order;
  for (FrameNumber i = 0; i < count; ++i) hand_out(frame_at(number + i), 0, use);
}

void get(PhysAddr frame) {
  [[maybe_unused]] uint32_t old = frame_of(frame).references.fetch_add_relaxed(1);
  DCHECK(old != 0);
}

bool try_get(PhysAddr frame) {
  Atomic<uint32_t>& references = frame_of(frame).references;
  uint32_t count = references.load_relaxed();
  while (count != 0) {
    if (references.compare_exchange_acq_rel(count, count + 1)) return true;
  }
  return false;
}

void put(PhysAddr frame) {
  uint32_t old = frame_of(frame).references.fetch_sub_acq_rel(1);
  DCHECK(old != 0);
  if (old == 1) free(frame);
}

void put_batch(std::span<const PhysAddr> frames) {
  // Interrupts are masked while the cache is locked: a bounded number of frames at a time.
  constexpr size_t kChunk = 64;
  while (!frames.empty()) {
    size_t count = frames.size() < kChunk ? frames.size() : kChunk;
    FrameCache& cache = frame_cache.nearby();
    Guard guard(cache.lock);
    for (PhysAddr address : frames.first(count)) {
      Frame& frame = frame_of(address);
      DCHECK(frame.order == 0);
      uint32_t old = frame.references.fetch_sub_acq_rel(1);
      DCHECK(old != 0);
      if (old == 1) push_locked(cache, number_of(address), frame);
    }
    frames = frames.subspan(count);
  }
}

bool is_ram(PhysAddr address) {
  return raw(address) < uint64_t{1} << 44 && table::contains(number_of(address));
}

Statistics statistics() {
  Statistics result{};
  int64_t used[kFrameUses] = {};
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    FrameCache& cache = frame_cache.on(cpu);
    Guard guard(cache.lock);
    result.free_pages += cache.count;
    for (size_t use = 0; use < kFrameUses; ++use) used[use] += cache.used[use];
  }
  Guard guard(zone.lock);
  result.free_pages += zone.buddy.free_pages();
  result.total_pages = total_pages();
  result.reserved_pages = table::totals().ram_pages - result.total_pages;
  for (size_t use = 0; use < kFrameUses; ++use)
    result.by_use[use] = used[use] > 0 ? static_cast<uint64_t>(used[use]) : 0;
  result.by_use[index(FrameUse::Free)] = result.free_pages;
  return result;
}

uint64_t total_pages() { return zone.total.load_relaxed(); }

Watermarks watermarks() {
  Guard guard(zone.lock);
  return {2 * zone.reserve, 3 * zone.reserve};
}

void set_low_memory_hook(LowMemoryHook hook) { low_memory_hook.store_release(hook); }

void drain_caches() {
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    FrameCache& cache = frame_cache.on(cpu);
    Guard guard(cache.lock);
    flush_locked(cache, cache.count);
  }
}

}  // namespace kernel::frames
