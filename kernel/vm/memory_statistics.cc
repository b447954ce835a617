// SPDX-License-Identifier: MIT
// See memory_statistics.h.

#include "vm/memory_statistics.h"

#include "mm/frames.h"
#include "mm/kernel_map.h"
#include "vm/overcommit.h"

namespace kernel {

// Every object is memory without a disk behind it, as yet: its pages are shared memory, and none of
// them can be given back without loss.
MemoryStatistics memory_statistics() {
  MemoryStatistics statistics;
  statistics.object_pages = frames::statistics().by_use[static_cast<size_t>(FrameUse::Object)];
  statistics.shared_pages = statistics.object_pages;
  statistics.committed_pages = overcommit::committed_pages();
  return statistics;
}

}  // namespace kernel
