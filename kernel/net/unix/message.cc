// SPDX-License-Identifier: MIT
// See message.h.

#include "net/unix/message.h"

#include "mm/frames.h"
#include "net/unix/unix_socket.h"

namespace kernel {
namespace {

constexpr unsigned kLargestBlock = 3;  // order: 32 KiB

// The largest block that is not larger than what is needed, and that there is.
Result<PhysAddr> allocate_block(size_t needed, unsigned& order) {
  order = static_cast<unsigned>(std::bit_width(pages_for(needed)) - 1);
  if (order > kLargestBlock) order = kLargestBlock;
  for (;; --order) {
    Result<PhysAddr> block = frames::allocate(order);
    if (block.ok() || order == 0) return block;
  }
}

size_t block_size(PhysAddr block) { return kPageSize << frames::frame_of(block).order; }

}  // namespace

Result<Ref<UnixMessage>> UnixMessage::create(size_t size) {
  if (size > UINT32_MAX / 2) return Errno::NoBufs;
  constexpr size_t kMostInline = kObject - sizeof(UnixMessage);
  // Behind the header: all of it, or what does not fill whole pages.
  size_t inline_size = size <= kMostInline ? size : size % kPageSize;
  if (inline_size > kMostInline) inline_size = 0;
  void* memory = operator new(sizeof(UnixMessage) + inline_size, std::nothrow);
  if (memory == nullptr) return Errno::NoMem;
  Ref<UnixMessage> message = Ref<UnixMessage>::adopt(*new (memory) UnixMessage(size, inline_size));
  TRY(message->add_blocks());
  return message;
}

Result<> UnixMessage::add_blocks() {
  uint64_t* link = &first_block_;
  for (size_t have = inline_size_; have < size_;) {
    unsigned order;
    PhysAddr block = TRY(allocate_block(size_ - have, order));
    *link = raw(block);
    link = &frames::frame_of(block).data;
    *link = 0;
    have += kPageSize << order;
  }
  return {};
}

UnixMessage::~UnixMessage() {
  // Not all of them need be there: add_blocks() may have failed.
  for (uint64_t next = first_block_; next != 0;) {
    PhysAddr block{next};
    next = frames::frame_of(block).data;
    frames::free(block);
  }
}

void UnixMessage::last_unref(UnixMessage* message) {
  UnixSocket* sender = message->sender_;
  if (sender != nullptr) sender->uncharge(message->charge_);
  message->~UnixMessage();
  operator delete(static_cast<void*>(message));
  if (sender != nullptr) sender->unref();
}

void UnixMessage::charge_to(UnixSocket& sender, uint32_t charge) {
  sender.ref();
  sender_ = &sender;
  charge_ = charge;
}

// A power of two for the linear part and the bookkeeping behind it, 256 bytes for the header, whole
// pages for the rest.
uint32_t UnixMessage::charge_for(size_t size, size_t paged) {
  constexpr size_t kLine = 64, kSharedInfo = 320, kHeader = 256, kLeast = 128;
  size_t linear = align_up(size - paged, kLine) + kSharedInfo;
  linear = std::bit_ceil(linear < kLeast ? kLeast : linear);
  return static_cast<uint32_t>(linear + kHeader + align_up(paged, kPageSize));
}

template <class Move>
size_t UnixMessage::for_parts(size_t start, size_t count, Move move) {
  size_t done = 0;
  size_t part_start = 0;
  size_t part_size = inline_size_;
  uint8_t* data = inline_data();
  uint64_t next = first_block_;
  while (done < count) {
    size_t at = start + done;
    if (at < part_start + part_size) {
      size_t room = part_start + part_size - at;
      size_t step = count - done < room ? count - done : room;
      size_t moved = move(data + (at - part_start), done, step);
      done += moved;
      if (moved < step) break;
      if (done == count) break;
    }
    part_start += part_size;
    PhysAddr block{next};
    data = frames::frame_data(block);
    part_size = block_size(block);
    next = frames::frame_of(block).data;
  }
  return done;
}

Result<> UnixMessage::fill(IoBuffer& data) {
  Result<> result;
  for_parts(0, size_, [&](uint8_t* to, size_t, size_t count) {
    for (size_t done = 0; done < count;) {
      Result<size_t> taken = data.take(to + done, count - done);
      if (!taken.ok()) {
        result = taken.error();
        return size_t{0};
      }
      done += *taken;
    }
    return count;
  });
  return result;
}

size_t UnixMessage::put_nofault(IoBuffer& data, size_t start, size_t count) {
  return for_parts(start, count, [&](const uint8_t* from, size_t, size_t step) {
    return data.put_nofault(from, step);
  });
}

Result<> UnixMessage::put(IoBuffer& data, size_t start, size_t count) {
  Result<> result;
  for_parts(start, count, [&](const uint8_t* from, size_t, size_t step) {
    for (size_t done = 0; done < step;) {
      Result<size_t> moved = data.put(from + done, step - done);
      if (!moved.ok()) {
        result = moved.error();
        return size_t{0};
      }
      done += *moved;
    }
    return step;
  });
  return result;
}

}  // namespace kernel
