// SPDX-License-Identifier: MIT
// Bits of a byte array, the lowest of the first byte first: bitmaps as they lie on disks. The lock
// is the caller's.
#pragma once

#include "lib/check.h"
#include "lib/types.h"

namespace kernel {

class BitArray {
 public:
  BitArray(uint8_t* bytes, uint32_t bits) : bytes_(bytes), bits_(bits) {}
  uint32_t size() const { return bits_; }

  bool test(uint32_t index) const {
    DCHECK(index < bits_);
    return (bytes_[index / 8] >> (index % 8) & 1) != 0;
  }
  void set(uint32_t index) {
    DCHECK(index < bits_);
    bytes_[index / 8] = static_cast<uint8_t>(bytes_[index / 8] | 1u << (index % 8));
  }
  void clear(uint32_t index) {
    DCHECK(index < bits_);
    bytes_[index / 8] = static_cast<uint8_t>(bytes_[index / 8] & ~(1u << (index % 8)));
  }
  void set_range(uint32_t first, uint32_t count) { fill(first, count, true); }
  void clear_range(uint32_t first, uint32_t count) { fill(first, count, false); }

  // The first bit of that value in [from, end); `end` when there is none.
  uint32_t find(bool value, uint32_t from, uint32_t end) const {
    uint8_t uniform = value ? 0 : 0xff;  // a byte without one
    while (from < end) {
      if (from % 8 == 0 && bytes_[from / 8] == uniform) {
        from += 8;
        continue;
      }
      if (test(from) == value) return from;
      ++from;
    }
    return end;
  }
  // How many bits in [first, first + count) are set.
  uint32_t count_set(uint32_t first, uint32_t count) const {
    uint32_t found = 0;
    for (uint32_t end = first + count; first < end;) {
      if (first % 8 == 0 && end - first >= 8) {
        found += static_cast<uint32_t>(__builtin_popcount(bytes_[first / 8]));
        first += 8;
      } else {
        found += test(first++) ? 1 : 0;
      }
    }
    return found;
  }

 private:
  void fill(uint32_t first, uint32_t count, bool value) {
    for (uint32_t end = first + count; first < end;) {
      if (first % 8 == 0 && end - first >= 8) {
        bytes_[first / 8] = value ? 0xff : 0;
        first += 8;
      } else {
        value ? set(first) : clear(first);
        ++first;
      }
    }
  }
  uint8_t* bytes_;
  uint32_t bits_;
};

}  // namespace kernel
