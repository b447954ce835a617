// SPDX-License-Identifier: MIT
// For in-kernel tests of user memory.
#pragma once

#include "sched/scheduler.h"
#include "vm/address_space.h"

namespace kernel {

// The running kernel thread's address space, for the test's length.
class Loaded : public Pinned {
 public:
  explicit Loaded(AddressSpace& space) : before_(current().address_space) {
    sched::switch_address_space(&space);
  }
  ~Loaded() { sched::switch_address_space(before_); }

 private:
  AddressSpace* before_;
};

}  // namespace kernel
