// SPDX-License-Identifier: MIT
// The slabs of one size class: blocks of frames cut into objects of one size. Internal to mm; the
// heap puts per-CPU magazines on top. All bookkeeping lies in the metadata of the slab's frames, so
// that objects start at the block's start and powers of two are naturally aligned:
//
//   first Frame: references = live objects << 16 | first free object + 1, 0 = none (never 0 as a
//   whole)
//                flags = class, data = links of the list of slabs with free objects
//   other Frames: flags = class | kSlabTail, data = number of the slab's first frame
//   free object: its first two bytes hold the next free object + 1
#pragma once

#include "mm/frame_table.h"
#include "sync/spin_lock.h"

namespace kernel::heap {

inline constexpr uint16_t kSlabTail = 1u << 12;
inline constexpr uint16_t kSlabClassMask = 0xff;

// Debug builds fill free objects with this and check it when they are handed out again.
inline constexpr uint8_t kFreePoison = 0x6b;

class SlabClass : public Pinned {
 public:
  constexpr SlabClass(uint16_t size, uint8_t order, uint8_t number)
      : size_(size), order_(order), number_(number) {}

  size_t object_size() const { return size_; }
  unsigned order() const { return order_; }
  size_t objects_per_slab() const { return (kPageSize << order_) / size_; }

  // Moves up to `out.size()` free objects out of the slabs; returns how many there were.
  size_t take(std::span<void*> out);
  // Adds an allocated block of frames (use Slab) as a slab of free objects.
  void add_slab(PhysAddr block);
  // Gives objects back. Slabs that become empty beyond a small stock go back to the frames.
  void give(std::span<void* const> objects);
  // Frees every empty slab; returns pages.
  uint64_t shrink();

  struct Counts {
    uint64_t free_objects;
    uint64_t slabs;
  };
  Counts counts() const;

 private:
  using FrameNumber = frames::FrameNumber;

  void* object(FrameNumber slab, uint32_t index) const;
  void* take_one_locked(FrameNumber slab) REQUIRES(lock_);
  void give_one_locked(void* object) REQUIRES(lock_);
  void link_locked(FrameNumber slab) REQUIRES(lock_);
  void unlink_locked(FrameNumber slab) REQUIRES(lock_);
  void release_locked(FrameNumber slab) REQUIRES(lock_);

  const uint16_t size_;
  const uint8_t order_;
  const uint8_t number_;
  mutable SpinLock<LockRank::Slab> lock_;
  FrameNumber available_ GUARDED_BY(lock_) = 0;  // slabs with a free object
  uint64_t slabs_ GUARDED_BY(lock_) = 0;
  uint64_t empty_slabs_ GUARDED_BY(lock_) = 0;
  uint64_t free_objects_ GUARDED_BY(lock_) = 0;
};

}  // namespace kernel::heap
