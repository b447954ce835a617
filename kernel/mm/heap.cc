// SPDX-License-Identifier: MIT
// Kernel objects: size classes over slabs, with a magazine of free objects per class and CPU. A
// CPU's magazines have one lock, nearly always free, so that any context may use them and any CPU
// may empty them. Larger than a page: a block of frames.

#include "mm/heap.h"

#include "mm/allocation_failure.h"
#include "mm/slab.h"
#include "sync/per_cpu.h"

namespace kernel::heap {
namespace {

constexpr size_t kLargestObject = 2048;

constexpr size_t kClassCount = 15;
// 576: the node of a radix tree (page caches).
constinit SlabClass classes[kClassCount] = {
    {16, 0, 0},   {32, 0, 1},   {48, 0, 2},    {64, 0, 3},    {96, 0, 4},
    {128, 0, 5},  {192, 0, 6},  {256, 0, 7},   {384, 0, 8},   {512, 0, 9},
    {576, 0, 10}, {768, 0, 11}, {1024, 0, 12}, {1536, 1, 13}, {2048, 1, 14},
};
constexpr StringView kClassNames[kClassCount] = {
    "object-16",  "object-32",  "object-48",   "object-64",   "object-96",
    "object-128", "object-192", "object-256",  "object-384",  "object-512",
    "object-576", "object-768", "object-1024", "object-1536", "object-2048",
};

// The class of a size, by 16-byte steps, computed at compile time.
struct ClassTable {
  uint8_t by_step[kLargestObject / 16 + 1] = {};
  constexpr ClassTable() {
    constexpr size_t sizes[kClassCount] = {16,  32,  48,  64,  96,   128,  192, 256,
                                           384, 512, 576, 768, 1024, 1536, 2048};
    size_t number = 0;
    for (size_t step = 0; step <= kLargestObject / 16; ++step) {
      if (step * 16 > sizes[number]) ++number;
      by_step[step] = static_cast<uint8_t>(number);
    }
  }
};
constexpr ClassTable kClassTable;

constexpr uint32_t kMagazineObjects = 32;

struct Magazine {
  uint32_t count = 0;
  void* objects[kMagazineObjects] = {};
};

struct HeapCache {
  SpinLock<LockRank::HeapCache> lock;
  Magazine magazines[kClassCount] GUARDED_BY(lock) = {};
};
PER_CPU(HeapCache, heap_cache);

// Large objects stay few in a magazine: 8 of 2 KiB.
uint32_t magazine_limit(size_t object_size) {
  return object_size <= 512 ? kMagazineObjects : kMagazineObjects / 4;
}

#ifdef SAMARA_DEBUG
constexpr uint8_t kFreshPoison = 0xa5;

bool is_poisoned(const void* object, size_t size) {
  const auto* words = static_cast<const uint64_t*>(object);
  for (size_t i = 0; i < size / sizeof(uint64_t); ++i) {
    if (words[i] != 0x0101010101010101 * kFreePoison) return false;
  }
  return true;
}
void poison_freed(void* object, size_t size) {
  if (is_poisoned(object, size)) panic("object %p (size %zu) freed twice", object, size);
  __builtin_memset(object, kFreePoison, size);
}
void check_and_refresh(void* object, size_t size) {
  if (!is_poisoned(object, size))
    panic("object %p (size %zu) written after it was freed", object, size);
  __builtin_memset(object, kFreshPoison, size);
}
#else
void poison_freed(void*, size_t) {}
void check_and_refresh(void*, size_t) {}
#endif

// From the slabs into the magazine, which is empty. One object is handed out of it.
void* refill_locked(HeapCache& cache, size_t number) REQUIRES(cache.lock) {
  Magazine& magazine = cache.magazines[number];
  uint32_t wanted = magazine_limit(classes[number].object_size()) / 2;
  magazine.count = static_cast<uint32_t>(classes[number].take({magazine.objects, wanted}));
  return magazine.count == 0 ? nullptr : magazine.objects[--magazine.count];
}

void* take_object(size_t number) {
  HeapCache& cache = heap_cache.nearby();
  Guard guard(cache.lock);
  Magazine& magazine = cache.magazines[number];
  if (magazine.count != 0) return magazine.objects[--magazine.count];
  return refill_locked(cache, number);
}

void* allocate_object(size_t number, AllocationFlags flags) {
  SlabClass& slab_class = classes[number];
  void* object = take_object(number);
  while (object == nullptr) {
    // Without locks: this may wait. Another thread may take what it brings, hence the loop.
    AllocationFlags page_flags =
        has(flags, AllocationFlags::NoWait) ? AllocationFlags::NoWait : AllocationFlags::None;
    if (has(flags, AllocationFlags::Reserve)) page_flags = page_flags | AllocationFlags::Reserve;
    Result<PhysAddr> block = frames::allocate(slab_class.order(), FrameUse::Slab, page_flags);
    if (!block.ok()) return nullptr;
    slab_class.add_slab(block.value());
    object = take_object(number);
  }
  check_and_refresh(object, slab_class.object_size());
  return object;
}

void* allocate_large(size_t size, size_t alignment, AllocationFlags flags) {
  uint64_t pages = pages_for(size > alignment ? size : alignment);
  if (pages > uint64_t{1} << kMaxOrder) return nullptr;
  auto order = static_cast<unsigned>(std::bit_width(pages - 1));
  Result<PhysAddr> block = frames::allocate(order, FrameUse::Kernel, flags);
  return block.ok() ? frames::frame_data(block.value()) : nullptr;
}

uint64_t reclaim(uint64_t) { return shrink(); }

}  // namespace

void init() { frames::add_reclaimer(reclaim); }

void* allocate(size_t size, size_t alignment, AllocationFlags flags) {
  DCHECK(std::has_single_bit(alignment));
  // Powers of two are naturally aligned, so that a larger alignment is a larger power of two.
  if (alignment > 16) size = std::bit_ceil(size > alignment ? size : alignment);
  if (size > kLargestObject) return allocate_large(size, alignment, flags);
  if (allocation_failure::is_due()) return nullptr;
  void* object = allocate_object(kClassTable.by_step[(size + 15) / 16], flags);
  if (object != nullptr && has(flags, AllocationFlags::Zero)) __builtin_memset(object, 0, size);
  return object;
}

void free(void* memory) {
  if (memory == nullptr) return;
  PhysAddr address = arch::physical_address(VirtAddr{reinterpret_cast<uint64_t>(memory)});
  const Frame& frame = frames::frame_of(address);
  if (frame.use != FrameUse::Slab) {
    CHECK(frame.use == FrameUse::Kernel && is_aligned(address, kPageSize));
    return frames::free(address);
  }
  size_t number = frame.flags.load_relaxed() & kSlabClassMask;
  SlabClass& slab_class = classes[number];
  poison_freed(memory, slab_class.object_size());
  HeapCache& cache = heap_cache.nearby();
  Guard guard(cache.lock);
  Magazine& magazine = cache.magazines[number];
  uint32_t limit = magazine_limit(slab_class.object_size());
  if (magazine.count == limit) {
    uint32_t kept = limit / 2;
    slab_class.give({magazine.objects + kept, limit - kept});
    magazine.count = kept;
  }
  magazine.objects[magazine.count++] = memory;
}

size_t cache_count() { return kClassCount; }

CacheStatistics cache_statistics(size_t number) {
  SlabClass& slab_class = classes[number];
  uint64_t in_magazines = 0;
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    HeapCache& cache = heap_cache.on(cpu);
    Guard guard(cache.lock);
    in_magazines += cache.magazines[number].count;
  }
  SlabClass::Counts counts = slab_class.counts();
  uint64_t total = counts.slabs * slab_class.objects_per_slab();
  uint64_t unused = counts.free_objects + in_magazines;
  // The two counts are not of one instant.
  return {kClassNames[number], slab_class.object_size(), total > unused ? total - unused : 0, total,
          counts.slabs << slab_class.order()};
}

uint64_t shrink() {
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    HeapCache& cache = heap_cache.on(cpu);
    Guard guard(cache.lock);
    for (size_t number = 0; number < kClassCount; ++number) {
      Magazine& magazine = cache.magazines[number];
      classes[number].give({magazine.objects, magazine.count});
      magazine.count = 0;
    }
  }
  uint64_t pages = 0;
  for (SlabClass& slab_class : classes) pages += slab_class.shrink();
  return pages;
}

}  // namespace kernel::heap
