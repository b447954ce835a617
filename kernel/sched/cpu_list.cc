// SPDX-License-Identifier: MIT
// See cpu_list.h.

#include "sched/cpu_list.h"

namespace kernel {

void format_cpu_list(FormatSink& sink, CpuMask mask) {
  bool first = true;
  while (mask != 0) {
    int start = std::countr_zero(mask);
    int length = std::countr_one(mask >> start);
    format(sink, first ? "{}" : ",{}", start);
    if (length > 1) format(sink, "-{}", start + length - 1);
    if (start + length == 64) return;
    mask = mask >> (start + length) << (start + length);
    first = false;
  }
}

}  // namespace kernel
