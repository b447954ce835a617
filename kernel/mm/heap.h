// SPDX-License-Identifier: MIT
// Kernel objects: slab caches by size class with per-CPU magazines, behind operator new(nothrow)
// and operator delete. Nothing else calls these directly but code that needs raw bytes. Larger than
// a page: whole frames. Naturally aligned for powers of two, else to 16.
#pragma once

#include "lib/result.h"
#include "lib/string_view.h"
#include "mm/frames.h"

namespace kernel::heap {

void init();
// Null when memory is out. `flags` as for frames. Any context: it waits for reclaim only where the
// running thread may sleep and NoWait is not given.
void* allocate(size_t size, size_t alignment, AllocationFlags flags);
void free(void* memory);  // null is fine; any context

struct CacheStatistics {
  StringView name;
  size_t object_size;
  uint64_t active_objects;
  uint64_t total_objects;
  uint64_t pages;
};
size_t cache_count();
CacheStatistics cache_statistics(size_t index);  // for /proc/slabinfo
// Returns empty slabs to the frame allocator (leak tests, drop_caches, memory pressure).
uint64_t shrink();

}  // namespace kernel::heap
