// SPDX-License-Identifier: MIT
// What the files that implement PageTables share: raw access to table frames. Nobody else includes
// it.
#pragma once

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

SpinLock<LockRank::PageTable>& leaf_lock(PhysAddr table);
PageCounts leaf_counts(PhysAddr table);

}  // namespace kernel
