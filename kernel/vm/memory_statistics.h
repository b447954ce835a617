// SPDX-License-Identifier: MIT
// System-wide numbers of user memory, for /proc/meminfo, /proc/vmstat and sysinfo(2). Approximate
// while things change. Any thread context.
#pragma once

#include "lib/types.h"

namespace kernel {

struct MemoryStatistics {
  uint64_t object_pages = 0;       // in memory objects: files, tmpfs, shared memory
  uint64_t shared_pages = 0;       // of these: without a disk behind them
  uint64_t mapped_pages = 0;       // of memory objects, in page tables
  uint64_t locked_pages = 0;
  uint64_t committed_pages = 0;    // promised by private writable and shared mappings
  uint64_t reclaimable_pages = 0;  // could be given back without loss
  uint64_t reclaimable_slab_pages = 0;  // of objects that can be made again (shrinker.h)
  uint64_t kernel_stack_pages = 0;
  uint64_t faults = 0;
};
MemoryStatistics memory_statistics();

}  // namespace kernel
