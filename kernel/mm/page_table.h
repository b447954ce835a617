// SPDX-License-Identifier: MIT
// The walk over a page table, generic in the entry format and in how table frames are reached, so
// that the host tests it on a map. Locking is the caller's: one lock per table tree or finer.
//
//   root (level 3) -> level 2 -> level 1 (2 MiB blocks) -> level 0 = leaf table (4 KiB pages)
#pragma once

#include "arch/paging.h"
#include "lib/check.h"
#include "lib/result.h"

namespace kernel {

// Memory: static uint64_t* entries(PhysAddr table); static Result<PhysAddr> allocate_table();
// static void free_table(PhysAddr). allocate_table returns a zeroed frame.
template <class Format, class Memory>
class PageTableWalk {
 public:
  struct Slot {
    uint64_t* entry;  // null when a table above is missing
    unsigned level;   // of *entry: 0 = page
  };

  // The entry that translates `address`, at whatever level the walk ends. Never allocates.
  static Slot find(PhysAddr root, uint64_t address) {
    PhysAddr table = root;
    for (unsigned level = Format::kTopLevel;; --level) {
      uint64_t* entry = Memory::entries(table) + Format::index(address, level);
      uint64_t value = load(entry);
      if (level == 0 || !Format::is_present(value) || !Format::is_table(value, level))
        return {entry, level};
      table = Format::address(value);
    }
  }

  // The entry at `level` for `address`, making the tables above it. Errors: NoMem; Exist when a
  // block stands in the way.
  static Result<uint64_t*> make(PhysAddr root, uint64_t address, unsigned level) {
    PhysAddr table = root;
    for (unsigned at = Format::kTopLevel;; --at) {
      uint64_t* entry = Memory::entries(table) + Format::index(address, at);
      if (at == level) return entry;
      uint64_t value = load(entry);
      if (!Format::is_present(value)) {
        PhysAddr added = TRY(Memory::allocate_table());
        store(entry, Format::table(added));
        table = added;
      } else {
        if (!Format::is_table(value, at)) return Errno::Exist;
        table = Format::address(value);
      }
    }
  }

  // Entries are read by the hardware walker at any time: single-copy atomic accesses, release order
  // so that a table's contents are there before the table is.
  static uint64_t load(const uint64_t* entry) { return __atomic_load_n(entry, __ATOMIC_ACQUIRE); }
  static void store(uint64_t* entry, uint64_t value) {
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
  }
};

}  // namespace kernel
