// SPDX-License-Identifier: MIT
// A fixed ring of bytes with absolute positions, so that a place in it stays valid while its ends
// move.
#pragma once

#include "lib/types.h"

namespace kernel::tty {

template <size_t capacity>
class ByteRing {
  static_assert((capacity & (capacity - 1)) == 0);

 public:
  size_t size() const { return head_ - tail_; }
  size_t room() const { return capacity - size(); }
  bool empty() const { return head_ == tail_; }
  size_t head() const { return head_; }  // where the next byte goes
  size_t tail() const { return tail_; }  // the oldest byte
  uint8_t at(size_t position) const { return bytes_[position % capacity]; }

  bool push(uint8_t byte) {
    if (room() == 0) return false;
    bytes_[head_++ % capacity] = byte;
    return true;
  }
  uint8_t pop() { return bytes_[tail_++ % capacity]; }
  void set_head(size_t position) { head_ = position; }  // takes the newest bytes back
  void clear() { tail_ = head_; }

 private:
  size_t head_ = 0;
  size_t tail_ = 0;
  uint8_t bytes_[capacity] = {};
};

}  // namespace kernel::tty
