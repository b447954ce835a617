// SPDX-License-Identifier: MIT
// See machine.h.

#include "host_tests/machine.h"

#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"

namespace kernel::host_tests {

void boot_machine() {
  static const bool booted = [] {
    frames::init(kRam, kReserved);
    heap::init();
    kernel_map::init();
    return true;
  }();
  static_cast<void>(booted);
}

}  // namespace kernel::host_tests
