// SPDX-License-Identifier: MIT
// How far an open file reads ahead: twice as far each time that it is read on where it was, up to
// 128 KiB, and not at all when it is read here and there (posix_fadvise(2), readahead(2)).
#pragma once

#include <cstddef>

#include "lib/atomic.h"
#include "lib/types.h"

namespace kernel {

class ReadAhead {
 public:
  enum class Pattern : uint8_t { Normal, Random, Sequential };
  static constexpr uint32_t kMaxPages = 32;  // read_ahead_kb 128

  void set_pattern(Pattern pattern) { pattern_.store_relaxed(pattern); }
  Pattern pattern() const { return pattern_.load_relaxed(); }

  // The page at `index` is not there, `wanted` pages from it on are to be read now: how many to
  // fill.
  size_t on_miss(uint64_t index, uint64_t wanted);
  // A page's bytes were read. False when the last read was of the same page: one use, not two.
  bool note_read(uint64_t index) {
    if (last_.load_relaxed() == index) return false;
    last_.store_relaxed(index);
    return true;
  }

 private:
  // Threads that share an open file may mix their fields: a worse guess is all that comes of it.
  Atomic<uint64_t> last_{~uint64_t{0}};        // page read last
  Atomic<uint64_t> window_end_{~uint64_t{0}};  // page behind what was filled last
  Atomic<uint32_t> window_;                    // its size; 0: nothing known
  Atomic<Pattern> pattern_{Pattern::Normal};
};

}  // namespace kernel
