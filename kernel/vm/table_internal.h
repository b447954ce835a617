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

// Frame::data of a table. Changed under the lock that guards the table's entries, read without.
//   leaf table:  | groups of 16 ...... 32 | 0 | shared 10 | file 10 | anonymous 10 |
//   other:       | groups of 8 ................................................ 64 |
// A group's bit is set before an entry of it first is, and stays.
namespace table_record {

inline constexpr size_t kPageGroup = 16, kTableGroup = 8;
inline constexpr unsigned kGroupsShift = 32, kCountBits = 10;
static_assert(Format::kEntries / kPageGroup == 32 && Format::kEntries < 1 << kCountBits);
static_assert(Format::kEntries / kTableGroup == 64);

inline uint64_t load(PhysAddr table) {
  return __atomic_load_n(&frames::frame_of(table).data, __ATOMIC_RELAXED);
}
inline void store(PhysAddr table, uint64_t record) {
  __atomic_store_n(&frames::frame_of(table).data, record, __ATOMIC_RELAXED);
}
constexpr uint64_t one_of(PageKind kind) {
  return uint64_t{1} << static_cast<unsigned>(kind) * kCountBits;
}
constexpr uint64_t page_group_bit(size_t index) {
  return uint64_t{1} << (kGroupsShift + index / kPageGroup);
}
// Of a table that is not a leaf.
inline void mark_used(PhysAddr table, size_t index) {
  uint64_t record = load(table), bit = uint64_t{1} << index / kTableGroup;
  if ((record & bit) == 0) store(table, record | bit);
}

}  // namespace table_record

// The first entry at or above `index` that is not empty; kEntries: none. Of a leaf table, and of
// another.
size_t next_used_page(PhysAddr table, size_t index);
size_t next_used_table(PhysAddr table, size_t index);

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
