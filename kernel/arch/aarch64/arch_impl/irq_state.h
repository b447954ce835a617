// SPDX-License-Identifier: MIT
// PSTATE.I on AArch64. SError stays unmasked, debug exceptions and FIQ as entry left them.
#pragma once

#include "arch_impl/registers.h"

namespace kernel::arch {

inline IrqState disable_interrupts() {
  IrqState state{READ_SYSREG(daif)};
  asm volatile("msr daifset, #2" ::: "memory");
  return state;
}
inline void restore_interrupts(IrqState state) { WRITE_SYSREG(daif, state); }
inline void enable_interrupts() { asm volatile("msr daifclr, #2" ::: "memory"); }
inline bool interrupts_enabled() { return (READ_SYSREG(daif) & PSTATE_I) == 0; }

}  // namespace kernel::arch
