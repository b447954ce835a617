// SPDX-License-Identifier: MIT
// Physical memory of the build machine: a sparse mapping of the host's address space. Nothing is
// translated but what user_copy.cc walks itself; flushes are counted, so that tests can ask for
// them.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

namespace host {
inline constexpr uint64_t kPhysicalSize =
    64 * GiB;              // of address space; the host gives memory on touch
uint64_t physical_base();  // host address of physical address 0
uint64_t tlb_flushes();
}  // namespace host

inline VirtAddr linear_address(PhysAddr address) {
  return VirtAddr{raw(address) + host::physical_base()};
}
inline PhysAddr physical_address(VirtAddr linear) {
  return PhysAddr{raw(linear) - host::physical_base()};
}

}  // namespace kernel::arch
