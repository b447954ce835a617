// SPDX-License-Identifier: MIT
// Bitmap<n>: a fixed set of numbers 0..n-1 that finds its lowest free one in a few steps, by a
// summary word over each 64 words. For numbers that are handed out lowest first. The lock is the
// caller's.
#pragma once

#include "lib/check.h"
#include "lib/types.h"

namespace kernel {

template <size_t n>
class Bitmap : public Pinned {
  static constexpr size_t kWords = (n + 63) / 64;
  static constexpr size_t kSummaries = (kWords + 63) / 64;

 public:
  static constexpr size_t npos = ~size_t{0};
  constexpr Bitmap() = default;

  bool test(size_t index) const {
    DCHECK(index < n);
    return (words_[index / 64] >> (index % 64) & 1) != 0;
  }
  void set(size_t index) {
    DCHECK(index < n);
    uint64_t& word = words_[index / 64];
    count_ += (word >> (index % 64) & 1) == 0;
    word |= uint64_t{1} << (index % 64);
    if (word == ~uint64_t{0}) full_[index / 4096] |= uint64_t{1} << (index / 64 % 64);
  }
  void clear(size_t index) {
    DCHECK(index < n);
    uint64_t& word = words_[index / 64];
    count_ -= (word >> (index % 64) & 1) != 0;
    word &= ~(uint64_t{1} << (index % 64));
    full_[index / 4096] &= ~(uint64_t{1} << (index / 64 % 64));
  }

  size_t count() const { return count_; }  // bits set

  // The lowest clear number that is not below `from`; npos when there is none.
  size_t find_clear(size_t from = 0) const {
    while (from < n) {
      uint64_t clear = ~words_[from / 64] >> (from % 64);
      if (clear != 0) return checked(from + static_cast<size_t>(std::countr_zero(clear)));
      from = next_word_with_room(from / 64 + 1) * 64;
    }
    return npos;
  }
  // The lowest set number that is not below `from`.
  size_t find_set(size_t from = 0) const {
    while (from < n) {
      uint64_t bits = words_[from / 64] >> (from % 64);
      if (bits != 0) return checked(from + static_cast<size_t>(std::countr_zero(bits)));
      from = (from / 64 + 1) * 64;
    }
    return npos;
  }

 private:
  static size_t checked(size_t index) { return index < n ? index : npos; }
  size_t next_word_with_room(size_t word) const {
    while (word < kWords) {
      uint64_t room = ~full_[word / 64] >> (word % 64);
      if (room != 0) return word + static_cast<size_t>(std::countr_zero(room));
      word = (word / 64 + 1) * 64;
    }
    return kWords;
  }

  uint64_t words_[kWords] = {};
  uint64_t full_[kSummaries] = {};  // bit i: word i has no clear bit
  size_t count_ = 0;
};

}  // namespace kernel
