// SPDX-License-Identifier: MIT
// The page cache as a whole: its counters, how much of memory may be dirty, and the threads that
// write back and reclaim (proc(5): /proc/sys/vm/dirty_*, drop_caches).
#pragma once

#include "lib/atomic.h"
#include "lib/result.h"
#include "lib/types.h"
#include "sched/clock.h"

namespace kernel::page_cache {

// Pages of files on disks.
struct Statistics {
  Atomic<uint64_t> file_pages, dirty, write_back;
  // Since boot.
  Atomic<uint64_t> filled, written, dirtied, scanned, reclaimed, gone;
};
Statistics& statistics();

// vm.dirty_*. A number of bytes counts instead of the ratio when it is not 0.
struct Limits {
  Atomic<uint64_t> background_ratio{10}, ratio{20};  // percent of what could be file pages
  Atomic<uint64_t> background_bytes, bytes;
  Atomic<uint64_t> expire_centisecs{3000}, write_back_centisecs{500};
};
Limits& limits();
void limits_changed();
// Pages: where the flusher begins, where dirtiers wait.
struct Thresholds {
  uint64_t background, limit;
};
Thresholds thresholds();

// Boot, once each, when threads can run.
Result<> start_flusher();
Result<> start_reclaim();

// sync(2): every group, one after the other; errors are told elsewhere.
void synchronise_all();

// Something has become dirty: wakes the flusher when there is much of it, and waits when there is
// too much. Holding locks that write_pages() does not take is fine.
void throttle();
// The flusher writes everything, soon.
void wake_flusher();
// A file has become dirty; pages have become clean; pages have left memory.
void note_dirty();
void note_cleaned(uint64_t pages);
void note_gone(uint64_t pages);

// Marks the running thread as one that write-back needs (a flusher, a journal's, a disk driver's):
// its allocations may use the reserve, and never wait for write-back.
void serve_write_back();

// drop_caches: every clean page that nobody holds.
void drop_clean();

}  // namespace kernel::page_cache
