// SPDX-License-Identifier: MIT
// The image header, and the way of every CPU from its reset state to C++ in the high half.
//
//   boot CPU:   MMU off -> EL1 -> clear .bss -> boot tables (early_map.cc) -> MMU on -> high half
//               -> relocate -> per-CPU area -> kernel_main(device tree)
//   secondary:  MMU off -> EL1 -> MMU on with the final tables -> high half
//               -> secondary_cpu_main(cpu)
//
// Linux's Documentation/arch/arm64/booting.rst is the contract: x0 = physical address of the device
// tree, MMU off, any 2 MiB-aligned address.

#include "arch_impl/assembly.h"
#include "arch_impl/frame_offsets.h"
#include "arch_impl/registers.h"

#define LINK_BASE 0xffffffff80000000
#define DEVICE_TREE_MAGIC 0xedfe0dd0       // d00dfeed, read little-endian

    .section .head, "ax"
    .global _start
_start:
    b primary_entry
    .word 0
    .quad 0                        // text_offset: right at the 2 MiB boundary
    .quad _image_size              // .bss included
    .quad 0xa                      // little-endian, 4 KiB pages, anywhere in memory
    .quad 0
    .quad 0
    .quad 0
    .ascii "ARM\x64"
    .word 0

    .section .text.entry, "ax"
primary_entry:
    mov x19, x0
    bl enter_el1
    mov x20, x0                    // the exception level of the loader

    // A loader of the ELF gives no device tree; QEMU then leaves one at the start of RAM, which is
    // the 2 MiB below the image's load address.
    cbnz x19, 1f
    adr_l x19, _start
    sub x19, x19, #0x200000
1:  ldr w1, [x19]
    mov_q x2, DEVICE_TREE_MAGIC
    cmp w1, w2
    b.ne no_device_tree

    // .bss, once, before anything lives in it. Its lines may be in caches, dirty even: they go
    // first, and again after, for those that were fetched in between.
    adr_l x21, _bss_start
    adr_l x22, _bss_end
    mov x0, x21
    mov x1, x22
    bl invalidate_range
    mov x0, x21
2:  stp xzr, xzr, [x0], #16
    cmp x0, x22
    b.lo 2b
    mov x0, x21
    mov x1, x22
    bl invalidate_range

    adr_l x0, boot_stack + STACK_SIZE
    mov sp, x0
    mov x29, xzr
    mov x0, x19
    bl build_boot_map              // returns VA - PA of the image
    mov x21, x0
    mov x0, x20
    adr_l x1, loader_exception_level
    str x0, [x1]
    adr_l x1, image_offset
    str x21, [x1]

    // The stores above went past the caches, which hold nothing of these lines: .bss was
    // invalidated.
    dsb sy
    adr_l x0, identity_root
    ldr x0, [x0]
    adr_l x1, kernel_root
    ldr x1, [x1]
    adr_l x2, primary_high
    add x2, x2, x21
    b enable_mmu

no_device_tree:
    // Nothing says where a console is. A debugger finds the CPU here, with x19 what was given.
    wfi
    b no_device_tree

// Cleans nothing: drops [x0, x1) from the caches to the point of coherency. Clobbers x0, x2, x3.
invalidate_range:
    mrs x2, ctr_el0
    ubfx x2, x2, #16, #4
    mov x3, #4
    lsl x2, x3, x2
    sub x3, x2, #1
    bic x0, x0, x3
1:  dc ivac, x0
    add x0, x0, x2
    cmp x0, x1
    b.lo 1b
    dsb sy
    ret

// High half, boot tables, boot stack at its physical address until here.
primary_high:
    mov x0, sp
    add x0, x0, x21
    mov sp, x0

    // RELR: an even word is the address of a pointer to adjust, an odd one a bitmap of the 63 that
    // follow. Addresses are link-time ones.
    mov_q x9, LINK_BASE
    adr_l x10, _start
    sub x9, x10, x9                // the slide
    adr_l x0, _relr_start
    adr_l x1, _relr_end
1:  cmp x0, x1
    b.hs 4f
    ldr x2, [x0], #8
    tbnz x2, #0, 2f
    add x3, x2, x9
    ldr x4, [x3]
    add x4, x4, x9
    str x4, [x3], #8               // x3: where the next bitmap starts
    b 1b
2:  mov x5, x3
    lsr x2, x2, #1
3:  cbz x2, 5f
    tbz x2, #0, 6f
    ldr x4, [x5]
    add x4, x4, x9
    str x4, [x5]
6:  lsr x2, x2, #1
    add x5, x5, #8
    b 3b
5:  add x3, x3, #(63 * 8)
    b 1b
4:
    // This CPU's per-CPU data starts as a copy of the template, like everybody's.
    adr_l x0, _boot_percpu
    adr_l x1, _percpu_start
    sub x3, x0, x1
    adr_l x2, _percpu_end
    sub x2, x2, x1
    msr tpidr_el1, x3
    bl memcpy
    adr_l x0, boot_thread
    msr sp_el0, x0
    adr_l x1, boot_stack
    str x1, [x0, #THREAD_STACK_BOTTOM]
    add x1, x1, #STACK_SIZE
    str x1, [x0, #THREAD_STACK_TOP]
    adr_l x0, vectors
    msr vbar_el1, x0
    isb
    msr daifclr, #(8 | 4)          // debug exceptions and SError; interrupts stay masked
    mov x0, x19
    mov x29, xzr
    mov x30, xzr
    bl kernel_main
    brk #0

// PSCI and spin-table deliver secondaries here, at the physical address.
    .global secondary_entry
secondary_entry:
    bl enter_el1
    adr_l x0, identity_root
    ldr x0, [x0]
    adr_l x1, kernel_root
    ldr x1, [x1]
    adr_l x2, image_offset
    ldr x21, [x2]
    adr_l x2, secondary_high
    add x2, x2, x21
    b enable_mmu

secondary_high:
    // Who am I? The start records are keyed by MPIDR's affinity fields.
    mrs x0, mpidr_el1
    mov_q x1, 0xff00ffffff
    and x0, x0, x1
    adr_l x1, secondary_starts
    add x2, x1, #(START_COUNT * START_SIZE)
1:  cmp x1, x2
    b.hs 2f
    ldr x3, [x1, #START_HARDWARE_ID]
    ldr x4, [x1, #START_IDLE]
    cmp x3, x0
    ccmp x4, #0, #4, eq            // an entry in use: otherwise as if not equal
    b.ne 3f
    add x1, x1, #START_SIZE
    b 1b
2:  wfi                            // not asked for
    b 2b
3:  ldr x3, [x1, #START_STACK_TOP]
    sub x3, x3, #FRAME_SIZE
    mov sp, x3
    ldr x3, [x1, #START_PER_CPU_OFFSET]
    msr tpidr_el1, x3
    ldr x3, [x1, #START_IDLE]
    msr sp_el0, x3
    adr_l x3, vectors
    msr vbar_el1, x3
    isb
    msr daifclr, #(8 | 4)
    ldr w0, [x1, #START_CPU]
    mov x29, xzr
    mov x30, xzr
    bl secondary_cpu_main
    brk #0

// What runs at its physical address with the MMU on: one page, mapped one to one, read-only.
    .section .text.idmap, "ax"

// x0 = root for TTBR0, x1 = root for TTBR1, x2 = where to go on.
enable_mmu:
    mov_q x3, MAIR_VALUE
    msr mair_el1, x3
    mov_q x3, (TCR_T0SZ_48 | TCR_T1SZ_48 | TCR_WALKS | TCR_TG1_4K | (1 << TCR_TBI0_BIT))
    mrs x4, id_aa64mmfr0_el1
    ubfx x5, x4, #0, #3            // PARange; 6 (52 bits) needs another format: 48 bits then
    cmp x5, #5
    mov x6, #5
    csel x5, x5, x6, lo
    bfi x3, x5, #TCR_IPS_SHIFT, #3
    ubfx x5, x4, #4, #4
    cmp x5, #2                     // 16-bit ASIDs
    cset x5, eq
    bfi x3, x5, #TCR_AS_BIT, #1
    msr tcr_el1, x3
    msr ttbr0_el1, x0
    msr ttbr1_el1, x1
    isb
    tlbi vmalle1
    ic iallu
    dsb nsh
    isb
    mov_q x3, SCTLR_EL1_ON
    msr sctlr_el1, x3
    isb
    br x2

// replace_kernel_table(root for TTBR1, identity root): called at its physical address while TTBR0
// is the identity map. Nothing of the kernel is mapped between the two tables.
    .global replace_kernel_table_identity
replace_kernel_table_identity:
    msr ttbr1_el1, x1              // anything without high entries: the identity map itself
    isb
    tlbi vmalle1
    dsb nsh
    isb
    msr ttbr1_el1, x0
    isb
    ret
