// SPDX-License-Identifier: MIT
// The system-register CPU interface of GICv3 and later (Arm GIC architecture IHI 0069,
// section 12.2). For drivers/irqchip. Interrupts masked but for enable.
#pragma once

#include "arch_impl/registers.h"
#include "lib/types.h"

namespace kernel::arch::gic {

inline uint32_t acknowledge() {
  uint32_t id = static_cast<uint32_t>(READ_SYSREG(SYS_ICC_IAR1_EL1));
  asm volatile("dsb sy" ::: "memory");  // the acknowledgement before the handler's accesses
  return id;
}
inline void end_of_interrupt(uint32_t id) {
  WRITE_SYSREG(SYS_ICC_EOIR1_EL1, id);
  asm volatile("isb" ::: "memory");
}
// To the CPU with this affinity (MPIDR); stores before it are seen there first.
inline void send_sgi(uint64_t mpidr, uint32_t id) {
  uint64_t aff0 = mpidr & 0xff, aff1 = mpidr >> 8 & 0xff, aff2 = mpidr >> 16 & 0xff,
           aff3 = mpidr >> 32 & 0xff;
  uint64_t value = aff3 << 48 | (aff0 >> 4) << 44 | aff2 << 32 | uint64_t{id} << 24 | aff1 << 16 |
                   uint64_t{1} << (aff0 & 0xf);
  asm volatile("dsb ishst" ::: "memory");
  WRITE_SYSREG(SYS_ICC_SGI1R_EL1, value);
  asm volatile("isb" ::: "memory");
}

// Switches the system registers on, lets every priority through, enables group 1.
inline void enable_cpu_interface() {
  WRITE_SYSREG(SYS_ICC_SRE_EL1, READ_SYSREG(SYS_ICC_SRE_EL1) | 1);
  asm volatile("isb" ::: "memory");
  WRITE_SYSREG(SYS_ICC_PMR_EL1, 0xf0);
  WRITE_SYSREG(SYS_ICC_BPR1_EL1, 0);
  WRITE_SYSREG(SYS_ICC_CTLR_EL1, 0);  // EOImode 0: one write drops priority and deactivates
  WRITE_SYSREG(SYS_ICC_IGRPEN1_EL1, 1);
  asm volatile("isb" ::: "memory");
}

}  // namespace kernel::arch::gic
