// SPDX-License-Identifier: MIT
// The generic timer's counter on AArch64.
#pragma once

#include "arch_impl/registers.h"

namespace kernel::arch {

inline uint64_t counter() {
  uint64_t value;
  // Without the barrier the counter may be read ahead of what stands before it.
  asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
}
inline uint64_t counter_frequency() { return READ_SYSREG(cntfrq_el0); }

}  // namespace kernel::arch
