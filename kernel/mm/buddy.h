// SPDX-License-Identifier: MIT
// The free blocks of physical memory by order, and their splitting and merging. Internal to mm; the
// lock is the caller's.
//
//   order 2   [A       .       .       .      ]      a block of 2^k frames is aligned to 2^k
//   order 1   [A       .      ][B       .     ]      splitting writes the heads of both halves,
//   order 0   [A      ][C     ][B     ][D     ]      so the head of a live block's buddy is always
//   valid
//
// Only heads carry metadata. Whoever frees block A of order k looks at the frame number A ^ 2^k: it
// is the head of a block, since no block that contains it can start before it without containing A.
// So the table needs no initialisation in bulk, and boot time does not grow with RAM.
#pragma once

#include "mm/frame_table.h"

namespace kernel::frames {

class Buddy : public Pinned {
 public:
  constexpr Buddy() = default;

  // Gives a block back, merging it with free buddies.
  void add(FrameNumber block, unsigned order);
  // Gives a range of never used frames, as aligned blocks.
  void add_range(FrameRange range);
  // Takes a block; 0 when no block of this or a higher order is free. Its metadata is the caller's.
  FrameNumber take(unsigned order);
  // Takes single frames into `out`, from small blocks first; returns how many there were.
  size_t take_singles(std::span<FrameNumber> out);

  uint64_t free_pages() const { return free_pages_; }
  uint64_t free_blocks(unsigned order) const { return blocks_[order]; }

 private:
  void link(FrameNumber block, unsigned order);
  void unlink(FrameNumber block, unsigned order);

  FrameNumber first_[kMaxOrder + 1] = {};
  uint32_t blocks_[kMaxOrder + 1] = {};
  uint32_t orders_ = 0;  // bit k: there is a free block of order k
  uint64_t free_pages_ = 0;
};

}  // namespace kernel::frames
