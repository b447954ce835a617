// SPDX-License-Identifier: MIT
// A set of blocks as the runs of it: sorted, and merged where they meet. For few runs that are
// built once, mostly in ascending order, and asked often.
#pragma once

#include "lib/vector.h"

namespace kernel::ext4 {

class BlockSet {
 public:
  // Errors: NoMem; what was there stays.
  Result<> add(uint64_t first, uint64_t count) {
    if (count == 0) return {};
    uint64_t end = first + count;
    size_t at = first_ending_at_or_behind(first);
    if (at == runs_.size() || runs_[at].first > end) return runs_.insert(at, {first, end});
    Run& run = runs_[at];
    if (first < run.first) run.first = first;
    if (end > run.end) run.end = end;
    while (at + 1 < runs_.size() && runs_[at + 1].first <= run.end) {
      if (runs_[at + 1].end > run.end) run.end = runs_[at + 1].end;
      runs_.remove(at + 1);
    }
    return {};
  }
  // True when one of these blocks is in it.
  bool touches(uint64_t first, uint64_t count) const {
    size_t at = first_ending_at_or_behind(first + 1);
    return at < runs_.size() && runs_[at].first < first + count;
  }
  size_t runs() const { return runs_.size(); }

 private:
  struct Run {
    uint64_t first, end;
  };
  size_t first_ending_at_or_behind(uint64_t block) const {
    size_t low = 0, high = runs_.size();
    while (low < high) {
      size_t middle = low + (high - low) / 2;
      if (runs_[middle].end < block) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  Vector<Run> runs_;
};

}  // namespace kernel::ext4
