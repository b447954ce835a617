// SPDX-License-Identifier: MIT
// What the frame allocator does when memory is short. Internal to mm; the hooks that others
// register are in frames.h. Thread context that may sleep.
#pragma once

#include "lib/types.h"

namespace kernel::frames::reclaim {

// The running thread may sleep now: preemptible, interrupts on.
bool may_wait();
// It is inside a reclaimer already.
bool is_reclaiming();

// One allocation's tries, from gentle to hard; bounded, so that an allocation always ends.
class Attempts {
 public:
  explicit Attempts(unsigned order) : order_(order) {}
  // Frees something or has the OOM handler kill something. False: give up.
  bool make_room();

 private:
  unsigned order_;
  unsigned made_ = 0;
  bool was_in_vain_ = false;
};

}  // namespace kernel::frames::reclaim
