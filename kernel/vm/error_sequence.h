// SPDX-License-Identifier: MIT
// Errors of write-back, so that each open file hears of one once, and hears of it even when nobody
// had it open at the time (fsync(2)). The word: errno (12 bits), whether anybody has been told, and
// a number that changes with each error that comes after somebody was told.
#pragma once

#include "lib/atomic.h"
#include "lib/result.h"

namespace kernel {

class ErrorSequence {
 public:
  void note(Errno error) {
    uint32_t old = word_.load_relaxed(), next;
    do {
      next = (old & ~kErrno & ~kTold) | static_cast<uint32_t>(error);
      if ((old & kTold) != 0) next += kNumber;
    } while (!word_.compare_exchange_acq_rel(old, next));
  }
  // Where a new open file stands: errors that nobody has been told of are still to come for it.
  uint32_t sample() const {
    uint32_t word = word_.load_acquire();
    return (word & kTold) != 0 ? word : 0;
  }
  // What came since, without telling anybody: for a call that reports its own failure as well.
  uint32_t present() const { return word_.load_acquire(); }
  Result<> since(uint32_t before) const {
    uint32_t word = word_.load_acquire();
    if ((word & ~kTold) == (before & ~kTold)) return {};
    return static_cast<Errno>(word & kErrno);
  }
  // Tells whoever stands at `position`, which moves on.
  Result<> report(Atomic<uint32_t>& position) {
    uint32_t word = word_.load_acquire();
    while (word != 0 && (word & kTold) == 0) {
      if (word_.compare_exchange_acq_rel(word, word | kTold)) break;
    }
    if (word != 0) word |= kTold;
    if (position.exchange_acq_rel(word) == word) return {};
    return static_cast<Errno>(word & kErrno);
  }

 private:
  static constexpr uint32_t kErrno = 0xfff, kTold = 1u << 12, kNumber = 1u << 13;
  Atomic<uint32_t> word_;
};

}  // namespace kernel
