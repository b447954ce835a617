// SPDX-License-Identifier: MIT
// System registers by name, and the fields of them that the kernel uses (Arm ARM DDI 0487, chapter
// D19). Registers newer than Armv8.0 are named by their encoding, which every assembler accepts.
#pragma once

#define SYS_ID_AA64PFR2_EL1 S3_0_C0_C4_2
#define SYS_ID_AA64ZFR0_EL1 S3_0_C0_C4_4
#define SYS_ID_AA64SMFR0_EL1 S3_0_C0_C4_5
#define SYS_ID_AA64ISAR2_EL1 S3_0_C0_C6_2
#define SYS_ID_AA64MMFR2_EL1 S3_0_C0_C7_2
#define SYS_RNDR S3_3_C2_C4_0
#define SYS_ICC_IAR1_EL1 S3_0_C12_C12_0
#define SYS_ICC_EOIR1_EL1 S3_0_C12_C12_1
#define SYS_ICC_DIR_EL1 S3_0_C12_C11_1
#define SYS_ICC_SGI1R_EL1 S3_0_C12_C11_5
#define SYS_ICC_BPR1_EL1 S3_0_C12_C12_3
#define SYS_ICC_CTLR_EL1 S3_0_C12_C12_4
#define SYS_ICC_SRE_EL1 S3_0_C12_C12_5
#define SYS_ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define SYS_ICC_PMR_EL1 S3_0_C4_C6_0
#define SYS_AMUSERENR_EL0 S3_3_C13_C2_3

// SCTLR_EL1
#define SCTLR_M (1 << 0)
#define SCTLR_C (1 << 2)
#define SCTLR_SA (1 << 3)
#define SCTLR_SA0 (1 << 4)
#define SCTLR_EOS (1 << 11)
#define SCTLR_I (1 << 12)
#define SCTLR_DZE (1 << 14)
#define SCTLR_UCT (1 << 15)
#define SCTLR_NTWI (1 << 16)
#define SCTLR_NTWE (1 << 18)
#define SCTLR_TSCXT (1 << 20)
#define SCTLR_EIS (1 << 22)
#define SCTLR_UCI (1 << 26)
#define SCTLR_NTLSMD (1 << 28)
#define SCTLR_LSMAOE (1 << 29)
// Bits that are one in Armv8.0, translation off: what EL1 starts from.
#define SCTLR_EL1_OFF \
  (SCTLR_EOS | SCTLR_TSCXT | SCTLR_EIS | (1 << 23) | SCTLR_NTLSMD | SCTLR_LSMAOE)
// SPAN (bit 23) clear: exceptions set PAN. UCI, UCT, DZE: user cache maintenance, CTR_EL0 and DC
// ZVA, as on Linux. nTWI, nTWE: WFI and WFE at EL0 do not trap. No WXN, no A.
#define SCTLR_EL1_ON                                                                           \
  (SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_SA0 | SCTLR_EOS | SCTLR_I | SCTLR_DZE | SCTLR_UCT |     \
   SCTLR_NTWI | SCTLR_NTWE | SCTLR_TSCXT | SCTLR_EIS | SCTLR_UCI | SCTLR_NTLSMD | SCTLR_LSMAOE)

// TCR_EL1: 48-bit halves, 4 KiB granule, inner-shareable write-back walks, TBI for user addresses.
#define TCR_T0SZ_48 16
#define TCR_T1SZ_48 (16 << 16)
#define TCR_WALKS ((1 << 8) | (1 << 10) | (3 << 12) | (1 << 24) | (1 << 26) | (3 << 28))
#define TCR_TG1_4K (2 << 30)
#define TCR_TBI0_BIT 37
#define TCR_AS_BIT 36
#define TCR_IPS_SHIFT 32

// MAIR_EL1, in the order of MemoryType: Normal write-back, Normal non-cacheable, Device-nGnRE.
#define MAIR_VALUE 0x0444ff

// SPSR
#define PSTATE_EL0T 0x0
#define PSTATE_EL1H 0x5
#define PSTATE_MODE_MASK 0x1f
#define PSTATE_F (1 << 6)
#define PSTATE_I (1 << 7)
#define PSTATE_A (1 << 8)
#define PSTATE_D (1 << 9)
#define PSTATE_PAN (1 << 22)

#ifndef __ASSEMBLER__
#include <cstdint>

#define SAMARA_STRINGIFY_INNER(x) #x
#define SAMARA_STRINGIFY(x) SAMARA_STRINGIFY_INNER(x)

#define READ_SYSREG(name)                                                          \
  ({                                                                               \
    uint64_t sysreg_value;                                                         \
    asm volatile("mrs %0, " SAMARA_STRINGIFY(name) : "=r"(sysreg_value)::"memory"); \
    sysreg_value;                                                                  \
  })
#define WRITE_SYSREG(name, value) \
  asm volatile("msr " SAMARA_STRINGIFY(name) ", %0" ::"r"(static_cast<uint64_t>(value)) : "memory")

namespace kernel::arch {

inline void instruction_barrier() { asm volatile("isb" ::: "memory"); }
// Completes loads and stores before what follows, for device registers and interrupts.
inline void data_barrier() { asm volatile("dsb sy" ::: "memory"); }

// Bits [low+width-1 : low] of a register value.
constexpr uint64_t field(uint64_t value, unsigned low, unsigned width = 4) {
  return (value >> low) & ((uint64_t{1} << width) - 1);
}

}  // namespace kernel::arch
#endif
