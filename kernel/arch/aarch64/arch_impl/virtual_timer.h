// SPDX-License-Identifier: MIT
// The virtual timer of the generic timer (Arm ARM D12.2): one deadline for this CPU. For
// drivers/timer.
#pragma once

#include "arch_impl/registers.h"
#include "lib/types.h"

namespace kernel::arch::virtual_timer {

// Fires when the counter reaches `at`; at once when it is past.
inline void set_deadline(uint64_t at) {
  WRITE_SYSREG(cntv_cval_el0, at);
  WRITE_SYSREG(cntv_ctl_el0, 1);
  asm volatile("isb" ::: "memory");
}
inline void disable() {
  WRITE_SYSREG(cntv_ctl_el0, 0);
  asm volatile("isb" ::: "memory");
}

}  // namespace kernel::arch::virtual_timer
