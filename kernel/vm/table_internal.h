// SPDX-License-Identifier: MIT
// What the files that implement PageTables share: raw access to table frames. Nobody else includes
// it.
#pragma once

#include "sync/per_cpu.h"
#include "vm/page_tables.h"

namespace kernel {

// Entries are read by the hardware walker at any time: single-copy atomic, release order so that
// what a table or page holds is there before the entry is.
inline PageEntry load_entry(const uint64_t* entry) {
  return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}
inline void store_entry(uint64_t* entry, PageEntry value) {
  __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

inline uint64_t* table_entries(PhysAddr table) {
  return reinterpret_cast<uint64_t*>(frames::frame_data(table));
}

// Preemption is off, so that "this CPU" stays the same one until the flush is done.
template <class Flush>
void PageTables::flush_where_used(Flush flush) {
  arch::page_table_fence();
  PreemptGuard guard;
  uint64_t cpus = asid_.cpus.load_relaxed();
  if (cpus == 0) return;
  bool here_only = cpus == uint64_t{1} << this_cpu();
  flush(asid_.asid(), here_only ? arch::TlbReach::ThisCpu : arch::TlbReach::AllCpus);
}

SpinLock<LockRank::PageTable>& leaf_lock(PhysAddr table);
PageCounts leaf_counts(PhysAddr table);

}  // namespace kernel
