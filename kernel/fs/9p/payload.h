// SPDX-License-Identifier: MIT
// Kernel memory for the data of one read or write at a time: contiguous, so that it is one segment,
// and smaller than wished when memory is in pieces.
#pragma once

#include "dev/p9_channel.h"
#include "mm/frames.h"

namespace kernel::p9 {

class Payload {
 public:
  // Room for `size` bytes, or less; at most `limit`. Errors: NoMem.
  static Result<Payload> allocate(uint64_t size, uint32_t limit) {
    if (size > limit) size = limit;
    unsigned order = 0;
    while (kPageSize << order < size) ++order;
    for (;; --order) {
      Result<PhysAddr> block = frames::allocate(order);
      if (block.ok()) {
        uint64_t room = kPageSize << order;
        return Payload(*block, static_cast<uint32_t>(room < limit ? room : limit));
      }
      if (order == 0) return block.error();
    }
  }
  Payload(Payload&& other) noexcept
      : block_(std::exchange(other.block_, PhysAddr{})),
        room_(other.room_),
        segment_(other.segment_) {}
  ~Payload() {
    if (block_ != PhysAddr{}) frames::free(block_);
  }

  uint8_t* data() const { return frames::frame_data(block_); }
  uint32_t size() const { return room_; }
  // The first `size` bytes of it, or all. Good until the next call.
  std::span<const P9Segment> first(uint64_t size) {
    segment_.size = static_cast<uint32_t>(size < room_ ? size : room_);
    return {&segment_, 1};
  }
  P9Segment part(size_t at, size_t size) const {
    return {block_ + at, static_cast<uint32_t>(size)};
  }

 private:
  Payload(PhysAddr block, uint32_t room) : block_(block), room_(room), segment_{block, room} {}
  PhysAddr block_;
  uint32_t room_ = 0;
  P9Segment segment_;
};

}  // namespace kernel::p9
