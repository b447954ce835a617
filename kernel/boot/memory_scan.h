// SPDX-License-Identifier: MIT
// What memory there is and what of it must not be touched, from the device tree: before mm runs.
#pragma once

#include <span>

#include "lib/types.h"

namespace kernel::memory_scan {

// A short sorted list of disjoint page-aligned ranges.
class RangeList {
 public:
  static constexpr size_t kCapacity = 128;
  // Merges with what it touches. What does not fit any more is dropped with a warning.
  void add(PhysRange range);
  void subtract(PhysRange range);
  void clip(PhysAddr end);  // nothing at or above
  std::span<const PhysRange> ranges() const { return {ranges_, count_}; }
  uint64_t total() const;

 private:
  void insert(size_t index, PhysRange range);
  void remove(size_t index);
  PhysRange ranges_[kCapacity] = {};
  size_t count_ = 0;
};

struct Memory {
  RangeList ram;       // mapped: /memory without `no-map` reservations
  RangeList reserved;  // of that, what is not free: image, device tree, initrd, /reserved-memory
  PhysRange initrd;    // empty: none
};

// `limit`: `mem=`, bytes from the start of RAM; 0: all.
void scan(Memory& memory, PhysRange device_tree, uint64_t limit);

}  // namespace kernel::memory_scan
