// SPDX-License-Identifier: MIT
// From EL2 to EL1, on the boot CPU and on each secondary: everything of EL2 that could trap or
// offset what EL1 does gets a known value. EL2 keeps a stub that answers every call with "not
// supported". Runs with the MMU off, without a stack. Arm ARM D19.2 (registers), D1.2.3 (reset).

#include "arch_impl/assembly.h"
#include "arch_impl/registers.h"

#define SCTLR_EL2_OFF 0x30c50830           // one-bits of Armv8.0, little-endian, translation off
#define SCTLR_EL12 S3_5_C1_C0_0
#define HCR_RW (1 << 31)
#define HCR_APK (1 << 40)
#define HCR_API (1 << 41)
#define HCR_E2H_BIT 34
#define HCRX_EL2 S3_4_C1_C2_2
#define HFGRTR_EL2 S3_4_C1_C1_4
#define HFGWTR_EL2 S3_4_C1_C1_5
#define HFGITR_EL2 S3_4_C1_C1_6
#define HDFGRTR_EL2 S3_4_C3_C1_4
#define HDFGWTR_EL2 S3_4_C3_C1_5
#define HAFGRTR_EL2 S3_4_C3_C1_6
#define ICC_SRE_EL2 S3_4_C12_C9_5
#define ICH_HCR_EL2 S3_4_C12_C11_0

    // Sets x2 to a 4-bit field of an ID register.
    .macro ID_FIELD register, low
    mrs x2, \register
    ubfx x2, x2, #\low, #4
    .endm

    .section .text.entry, "ax"

// Returns at EL1 with the MMU off and interrupts masked; x0 = the EL that it was entered at.
// Clobbers x0-x3.
    .balign 4
    .global enter_el1
    .type enter_el1, %function
enter_el1:
    mrs x0, CurrentEL
    lsr x0, x0, #2
    mov_q x1, SCTLR_EL1_OFF
    cmp x0, #2
    b.eq 1f
    msr sctlr_el1, x1
    isb
    msr daifset, #0xf
    ret

1:  adr x2, el2_stub_vectors
    msr vbar_el2, x2
    mov_q x2, SCTLR_EL2_OFF
    msr sctlr_el2, x2
    isb
    mov_q x2, (HCR_RW | HCR_API | HCR_APK)
    msr hcr_el2, x2
    isb
    msr hstr_el2, xzr
    msr vttbr_el2, xzr
    msr cntvoff_el2, xzr
    mrs x2, midr_el1
    msr vpidr_el2, x2
    mrs x2, mpidr_el1
    msr vmpidr_el2, x2

    // Some CPUs have no way back from E2H: then CPTR and CNTHCTL have their other layout, and
    // SCTLR_EL1 means SCTLR_EL2.
    mrs x2, hcr_el2
    tbnz x2, #HCR_E2H_BIT, 2f
    msr sctlr_el1, x1
    mov x2, #0x33ff               // floating point does not trap; SVE and SME do
    msr cptr_el2, x2
    mov x2, #3                    // EL1PCTEN, EL1PCEN
    msr cnthctl_el2, x2
    b 3f
2:  msr SCTLR_EL12, x1
    mov x2, #(3 << 20)            // FPEN
    msr cptr_el2, x2
    mov x2, #(3 << 10)            // EL1PCTEN, EL1PTEN
    msr cnthctl_el2, x2

3:  // Debug: the performance counters, if any, belong to EL1.
    mov x3, #0
    ID_FIELD id_aa64dfr0_el1, 8
    cbz x2, 4f
    cmp x2, #0xf
    b.eq 4f
    mrs x3, pmcr_el0
    ubfx x3, x3, #11, #5
4:  msr mdcr_el2, x3

    ID_FIELD id_aa64mmfr1_el1, 40 // HCX
    cbz x2, 5f
    msr HCRX_EL2, xzr
5:  ID_FIELD id_aa64mmfr0_el1, 56 // FGT
    cbz x2, 6f
    msr HFGRTR_EL2, xzr
    msr HFGWTR_EL2, xzr
    msr HFGITR_EL2, xzr
    msr HDFGRTR_EL2, xzr
    msr HDFGWTR_EL2, xzr
    ID_FIELD id_aa64pfr0_el1, 44  // AMU
    cbz x2, 6f
    msr HAFGRTR_EL2, xzr
6:  ID_FIELD id_aa64pfr0_el1, 24  // GIC system registers
    cbz x2, 7f
    mrs x2, ICC_SRE_EL2
    orr x2, x2, #1                // SRE
    orr x2, x2, #8                // Enable: EL1 may use its own
    msr ICC_SRE_EL2, x2
    isb
    mrs x2, ICC_SRE_EL2
    tbz x2, #0, 7f                // held at zero by EL3: a GICv2 behind it
    msr ICH_HCR_EL2, xzr
7:
    mov x2, #(PSTATE_EL1H | PSTATE_F | PSTATE_I | PSTATE_A | PSTATE_D)
    msr spsr_el2, x2
    msr elr_el2, x30
    eret

// Any exception that reaches EL2: a call returns -1 (not supported) to its caller.
    .balign 2048
el2_stub_vectors:
    .rept 16
    .balign 128
    mov x0, #-1
    eret
    .endr
