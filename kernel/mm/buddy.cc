// SPDX-License-Identifier: MIT
// See buddy.h.

#include "mm/buddy.h"

namespace kernel::frames {

void Buddy::add(FrameNumber block, unsigned order) {
  free_pages_ += uint64_t{1} << order;
  while (order < kMaxOrder) {
    FrameNumber buddy = block ^ (FrameNumber{1} << order);
    const Frame& other = frame_at(buddy);
    if ((other.flags.load_relaxed() & kFrameInBuddy) == 0 || other.order != order) break;
    unlink(buddy, order);
    block &= buddy;
    ++order;
  }
  link(block, order);
}

void Buddy::add_range(FrameRange range) {
  // From the top, so that the lists hand out low memory, with little metadata, first.
  while (range.end > range.start) {
    FrameNumber size = range.end - range.start;
    unsigned order = static_cast<unsigned>(std::countr_zero(range.end));
    unsigned fits = static_cast<unsigned>(std::bit_width(size)) - 1;
    if (order > fits) order = fits;
    if (order > kMaxOrder) order = kMaxOrder;
    range.end -= FrameNumber{1} << order;
    add(range.end, order);
  }
}

FrameNumber Buddy::take(unsigned order) {
  uint32_t candidates = orders_ & (~uint32_t{0} << order);
  if (candidates == 0) return 0;
  auto found = static_cast<unsigned>(std::countr_zero(candidates));
  FrameNumber block = first_[found];
  unlink(block, found);
  while (found > order) {
    --found;
    link(block + (FrameNumber{1} << found), found);
  }
  free_pages_ -= uint64_t{1} << order;
  return block;
}

size_t Buddy::take_singles(std::span<FrameNumber> out) {
  size_t taken = 0;
  while (taken < out.size() && orders_ != 0) {
    auto order = static_cast<unsigned>(std::countr_zero(orders_));
    unsigned fits = static_cast<unsigned>(std::bit_width(out.size() - taken)) - 1;
    if (order > fits) order = fits;
    FrameNumber block = take(order);
    for (FrameNumber i = 0; i < FrameNumber{1} << order; ++i) {
      Frame& frame = frame_at(block + i);
      frame.references.store_relaxed(0);
      frame.use = FrameUse::Free;
      frame.order = 0;
      frame.flags.store_relaxed(0);
      out[taken++] = block + i;
    }
  }
  return taken;
}

void Buddy::link(FrameNumber block, unsigned order) {
  Frame& frame = frame_at(block);
  frame.references.store_relaxed(0);
  frame.use = FrameUse::Free;
  frame.order = static_cast<uint8_t>(order);
  frame.flags.store_relaxed(kFrameInBuddy);
  frame.link.next = first_[order];
  frame.link.previous = 0;
  if (first_[order] != 0) frame_at(first_[order]).link.previous = block;
  first_[order] = block;
  orders_ |= 1u << order;
  ++blocks_[order];
}

void Buddy::unlink(FrameNumber block, unsigned order) {
  Frame& frame = frame_at(block);
  DCHECK((frame.flags.load_relaxed() & kFrameInBuddy) != 0 && frame.order == order);
  FrameNumber next = frame.link.next, previous = frame.link.previous;
  (previous == 0 ? first_[order] : frame_at(previous).link.next) = next;
  if (next != 0) frame_at(next).link.previous = previous;
  frame.flags.store_relaxed(0);
  if (first_[order] == 0) orders_ &= ~(1u << order);
  --blocks_[order];
}

}  // namespace kernel::frames
