// SPDX-License-Identifier: MIT
// The boot side of frames: which physical memory is RAM, where the metadata of its frames lies, and
// which of it is free at first. Internal to mm. Written once, before the second CPU runs.
#pragma once

#include <span>

#include "mm/frames.h"

namespace kernel::frames {

// A frame by number: address >> 12. RAM ends below 2^44. Frame 0 is never handed out: 0 means none.
using FrameNumber = uint32_t;

constexpr FrameNumber number_of(PhysAddr address) {
  return static_cast<FrameNumber>(raw(address) >> kPageShift);
}
constexpr PhysAddr address_of(FrameNumber number) {
  return PhysAddr{uint64_t{number} << kPageShift};
}
inline Frame& frame_at(FrameNumber number) { return frame_of(address_of(number)); }

struct FrameRange {
  FrameNumber start = 0;
  FrameNumber end = 0;  // exclusive
};

namespace table {

struct Totals {
  uint64_t ram_pages;       // whole pages of RAM
  uint64_t metadata_pages;  // of them, taken for the table itself
};

// Lays the metadata out inside the RAM and returns what is left free, ascending, for the buddy
// lists. Only the metadata of reserved frames and of the frames that merging may look at beyond the
// edges of free memory is written; the rest comes to life as blocks are split (see buddy.h).
std::span<const FrameRange> init(std::span<const PhysRange> ram,
                                 std::span<const PhysRange> reserved);
Totals totals();
bool contains(FrameNumber number);

}  // namespace table
}  // namespace kernel::frames
