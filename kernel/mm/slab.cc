// SPDX-License-Identifier: MIT
// See slab.h.

#include "mm/slab.h"

namespace kernel::heap {
namespace {

using frames::address_of;
using frames::frame_at;
using frames::FrameNumber;

// Empty slabs that a class keeps, so that a lone object that comes and goes costs no frame each
// time.
constexpr uint64_t kEmptyStock = 2;

// Frame::references of a slab's first frame. The top bit keeps it from ever being 0, which would
// mean a free frame.
struct SlabState {
  uint32_t live;   // objects not free (those in magazines included)
  uint32_t first;  // first free object + 1; 0: none
};
constexpr uint32_t kSlabMark = 1u << 31;

SlabState state_of(const Frame& frame) {
  uint32_t word = frame.references.load_relaxed() & ~kSlabMark;
  return {word >> 16, word & 0xffff};
}
void set_state(Frame& frame, SlabState state) {
  frame.references.store_relaxed(kSlabMark | state.live << 16 | state.first);
}

// The word that links a free object to the next one.
uint16_t& next_free(void* object) { return *static_cast<uint16_t*>(object); }

}  // namespace

size_t SlabClass::take(std::span<void*> out) {
  Guard guard(lock_);
  size_t taken = 0;
  while (taken < out.size() && available_ != 0) out[taken++] = take_one_locked(available_);
  free_objects_ -= taken;
  return taken;
}

void SlabClass::add_slab(PhysAddr block) {
  FrameNumber slab = frames::number_of(block);
  for (FrameNumber i = 1; i < FrameNumber{1} << order_; ++i) {
    Frame& tail = frame_at(slab + i);
    tail.references.store_relaxed(1);
    tail.use = FrameUse::Slab;
    tail.order = 0;
    tail.flags.store_relaxed(static_cast<uint16_t>(number_ | kSlabTail));
    tail.data = slab;
  }
  size_t count = objects_per_slab();
#ifdef SAMARA_DEBUG
  __builtin_memset(frames::frame_data(block), kFreePoison, kPageSize << order_);
#endif
  for (uint32_t i = 0; i < count; ++i)
    next_free(object(slab, i)) = static_cast<uint16_t>(i + 1 < count ? i + 2 : 0);
  Frame& head = frame_at(slab);
  head.flags.store_relaxed(number_);
  set_state(head, {0, 1});
  Guard guard(lock_);
  link_locked(slab);
  ++slabs_;
  ++empty_slabs_;
  free_objects_ += count;
}

void SlabClass::give(std::span<void* const> objects) {
  Guard guard(lock_);
  free_objects_ += objects.size();
  for (void* object : objects) give_one_locked(object);
}

uint64_t SlabClass::shrink() {
  uint64_t pages = 0;
  Guard guard(lock_);
  for (FrameNumber slab = available_, next; slab != 0 && empty_slabs_ != 0; slab = next) {
    next = frame_at(slab).link.next;
    if (state_of(frame_at(slab)).live != 0) continue;
    release_locked(slab);
    pages += uint64_t{1} << order_;
  }
  return pages;
}

SlabClass::Counts SlabClass::counts() const {
  Guard guard(lock_);
  return {free_objects_, slabs_};
}

void* SlabClass::object(FrameNumber slab, uint32_t index) const {
  return frames::frame_data(address_of(slab)) + size_t{index} * size_;
}

void* SlabClass::take_one_locked(FrameNumber slab) {
  Frame& head = frame_at(slab);
  SlabState state = state_of(head);
  void* taken = object(slab, state.first - 1);
  if (state.live == 0) --empty_slabs_;
  ++state.live;
  state.first = next_free(taken);
  DCHECK(state.first <= objects_per_slab());
#ifdef SAMARA_DEBUG
  __builtin_memset(taken, kFreePoison, sizeof(uint16_t));
#endif
  set_state(head, state);
  if (state.first == 0) unlink_locked(slab);
  return taken;
}

void SlabClass::give_one_locked(void* given) {
  PhysAddr address = arch::physical_address(VirtAddr{reinterpret_cast<uint64_t>(given)});
  FrameNumber slab = frames::number_of(address);
  if ((frame_at(slab).flags.load_relaxed() & kSlabTail) != 0)
    slab = static_cast<FrameNumber>(frame_at(slab).data);
  uint64_t offset = address - address_of(slab);
  DCHECK(offset % size_ == 0);
  Frame& head = frame_at(slab);
  SlabState state = state_of(head);
  DCHECK(state.live != 0);
  bool was_full = state.first == 0;
  next_free(given) = static_cast<uint16_t>(state.first);
  state.first = static_cast<uint32_t>(offset / size_) + 1;
  --state.live;
  set_state(head, state);
  if (was_full) link_locked(slab);
  if (state.live != 0) return;
  ++empty_slabs_;
  if (empty_slabs_ > kEmptyStock) release_locked(slab);
}

void SlabClass::link_locked(FrameNumber slab) {
  Frame& head = frame_at(slab);
  head.link.next = available_;
  head.link.previous = 0;
  if (available_ != 0) frame_at(available_).link.previous = slab;
  available_ = slab;
}

void SlabClass::unlink_locked(FrameNumber slab) {
  FrameNumber next = frame_at(slab).link.next, previous = frame_at(slab).link.previous;
  (previous == 0 ? available_ : frame_at(previous).link.next) = next;
  if (next != 0) frame_at(next).link.previous = previous;
}

void SlabClass::release_locked(FrameNumber slab) {
  unlink_locked(slab);
  --slabs_;
  --empty_slabs_;
  free_objects_ -= objects_per_slab();
  frame_at(slab).flags.store_relaxed(0);
  frames::free(address_of(slab));
}

}  // namespace kernel::heap
