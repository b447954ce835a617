// SPDX-License-Identifier: MIT
// See memory_statistics.h.

#include "vm/memory_statistics.h"

#include "mm/frames.h"
#include "mm/kernel_map.h"
#include "vm/overcommit.h"
#include "vm/page_cache.h"
#include "vm/page_lru.h"
#include "vm/shrinker.h"

namespace kernel {

MemoryStatistics memory_statistics() {
  MemoryStatistics statistics;
  statistics.object_pages = frames::statistics().by_use[static_cast<size_t>(FrameUse::Object)];
  uint64_t file_pages = page_cache::statistics().file_pages.load_relaxed();
  statistics.shared_pages =
      statistics.object_pages > file_pages ? statistics.object_pages - file_pages : 0;
  page_lru::Counts clean = page_lru::counts();
  statistics.reclaimable_pages = clean.active + clean.inactive;
  statistics.reclaimable_slab_pages = Shrinker::count_bytes() >> kPageShift;
  statistics.kernel_stack_pages = kernel_map::stack_pages();
  statistics.committed_pages = overcommit::committed_pages();
  return statistics;
}

}  // namespace kernel
