// SPDX-License-Identifier: MIT
// IoBuffer: the cursor. Each transfer is cut at segment ends; a kernel buffer is copied directly.

#include "vm/io_buffer.h"

#include "sync/lock_order.h"

namespace kernel {
namespace {

void copy_bytes(void* to, const void* from, size_t size) { __builtin_memcpy(to, from, size); }

}  // namespace

IoBuffer IoBuffer::kernel(void* start, size_t size) {
  return kernel(static_cast<const void*>(start), size);
}

IoBuffer IoBuffer::kernel(const void* start, size_t size) {
  IoBuffer buffer;
  buffer.is_kernel_ = true;
  buffer.current_ = {reinterpret_cast<uint64_t>(start), size};
  buffer.remaining_ = size;
  return buffer;
}

IoBuffer IoBuffer::user_segments(Vector<Segment> segments) {
  IoBuffer buffer;
  for (const Segment& segment : segments) buffer.remaining_ += segment.size;
  buffer.segments_ = std::move(segments);
  if (!buffer.segments_.empty()) {
    buffer.current_ = buffer.segments_[0];
    buffer.next_segment_ = 1;
  }
  buffer.skip_empty();
  return buffer;
}

// The cursor never rests at the end of a segment while there is more.
void IoBuffer::skip_empty() {
  while (current_.size == 0 && next_segment_ < segments_.size())
    current_ = segments_[next_segment_++];
}

size_t IoBuffer::part(size_t size) const {
  if (size > remaining_) size = remaining_;
  return size < current_.size ? size : current_.size;
}

void IoBuffer::advance(size_t size) {
  current_.address += size;
  current_.size -= size;
  remaining_ -= size;
  moved_ += size;
  skip_empty();
}

bool IoBuffer::is_aligned(uint64_t address, uint64_t size) const {
  auto fits = [&](Segment segment) {
    return kernel::is_aligned(segment.address, address) && kernel::is_aligned(segment.size, size);
  };
  // A truncated buffer ends inside a segment.
  if (!fits(current_) || !kernel::is_aligned(uint64_t{remaining_}, size)) return false;
  for (size_t i = next_segment_; i < segments_.size(); ++i) {
    if (!fits(segments_[i])) return false;
  }
  return true;
}

void IoBuffer::skip(size_t size) {
  while (size > 0 && remaining_ > 0) {
    size_t step = part(size);
    advance(step);
    size -= step;
  }
}

// By what was moved or skipped before: walks back over the segments.
void IoBuffer::rewind(size_t size) {
  DCHECK(size <= moved_);
  moved_ -= size;
  remaining_ += size;
  while (size > 0) {
    size_t into = segments_.empty() ? size : segments_[next_segment_ - 1].size - current_.size;
    size_t step = size < into ? size : into;
    current_.address -= step;
    current_.size += step;
    size -= step;
    if (size > 0) {
      const Segment& before = segments_[--next_segment_ - 1];
      current_ = {before.address + before.size, 0};
    }
  }
}

IoBuffer IoBuffer::first(size_t size) const {
  IoBuffer part_buffer;
  part_buffer.is_kernel_ = is_kernel_;
  part_buffer.current_ = {current_.address, part(size)};
  part_buffer.remaining_ = part_buffer.current_.size;
  return part_buffer;
}

void IoBuffer::truncate(size_t remaining) {
  if (remaining < remaining_) remaining_ = remaining;
}

template <class Move>
size_t IoBuffer::transfer(size_t size, Move move) {
  size_t total = 0;
  while (total < size && remaining_ > 0) {
    size_t step = part(size - total);
    size_t moved = move(current_.address, total, step);
    advance(moved);
    total += moved;
    if (moved < step) break;
  }
  return total;
}

size_t IoBuffer::put_nofault(const void* from, size_t size) {
  const uint8_t* bytes = static_cast<const uint8_t*>(from);
  return transfer(size, [&](uint64_t address, size_t offset, size_t step) {
    if (!is_kernel_) return copy_out_nofault(UserAddr{address}, bytes + offset, step);
    copy_bytes(reinterpret_cast<void*>(address), bytes + offset, step);
    return step;
  });
}

size_t IoBuffer::take_nofault(void* to, size_t size) {
  uint8_t* bytes = static_cast<uint8_t*>(to);
  return transfer(size, [&](uint64_t address, size_t offset, size_t step) {
    if (!is_kernel_) return copy_in_nofault(bytes + offset, UserAddr{address}, step);
    copy_bytes(bytes + offset, reinterpret_cast<const void*>(address), step);
    return step;
  });
}

Result<> IoBuffer::fault_in(bool for_put) {
  if (is_kernel_ || remaining_ == 0) return {};
  return kernel::fault_in(UserAddr{current_.address}, part(remaining_), for_put);
}

// An error only when there was something to move and none of it could be.
static Result<size_t> moved_or_fault(size_t moved, size_t size) {
  return moved != 0 || size == 0 ? Result<size_t>(moved) : Errno::Fault;
}

Result<size_t> IoBuffer::put(const void* from, size_t size) {
  const uint8_t* bytes = static_cast<const uint8_t*>(from);
  if (size > remaining_) size = remaining_;
  size_t moved = transfer(size, [&](uint64_t address, size_t offset, size_t step) {
    if (!is_kernel_) return copy_out_some(UserAddr{address}, bytes + offset, step);
    copy_bytes(reinterpret_cast<void*>(address), bytes + offset, step);
    return step;
  });
  return moved_or_fault(moved, size);
}

Result<size_t> IoBuffer::take(void* to, size_t size) {
  uint8_t* bytes = static_cast<uint8_t*>(to);
  if (size > remaining_) size = remaining_;
  size_t moved = transfer(size, [&](uint64_t address, size_t offset, size_t step) {
    if (!is_kernel_) return copy_in_some(bytes + offset, UserAddr{address}, step);
    copy_bytes(bytes + offset, reinterpret_cast<const void*>(address), step);
    return step;
  });
  return moved_or_fault(moved, size);
}

Result<size_t> IoBuffer::put_zeros(size_t size) {
  if (size > remaining_) size = remaining_;
  size_t moved = transfer(size, [&](uint64_t address, size_t, size_t step) {
    if (!is_kernel_) return zero_out_some(UserAddr{address}, step);
    __builtin_memset(reinterpret_cast<void*>(address), 0, step);
    return step;
  });
  return moved_or_fault(moved, size);
}

}  // namespace kernel
