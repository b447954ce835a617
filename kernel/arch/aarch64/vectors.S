// SPDX-License-Identifier: MIT
// Exception entry and exit (Arm ARM D1.3). One macro saves the frame, one restores it. A system
// call takes the straight way: save, handle_syscall, test for work, restore. Everything else is
// decoded in entry.cc: on_sync, on_irq, on_serror, and on_unexpected for vectors that nothing
// should reach.

#include "arch_impl/assembly.h"
#include "arch_impl/frame_offsets.h"
#include "arch_impl/registers.h"

#define ESR_EC_SHIFT 26
#define EC_SVC64 0x15
#define UNMASK_ALL_BUT_FIQ (8 | 4 | 2)
#define MASK_ALL 0xf

// SP is FRAME_SIZE below the interrupted stack (or the stack's top, from user mode).
    .macro SAVE_FRAME el
    stp x0, x1, [sp, #FRAME_X(0)]
    stp x2, x3, [sp, #FRAME_X(2)]
    stp x4, x5, [sp, #FRAME_X(4)]
    stp x6, x7, [sp, #FRAME_X(6)]
    stp x8, x9, [sp, #FRAME_X(8)]
    stp x10, x11, [sp, #FRAME_X(10)]
    stp x12, x13, [sp, #FRAME_X(12)]
    stp x14, x15, [sp, #FRAME_X(14)]
    stp x16, x17, [sp, #FRAME_X(16)]
    stp x18, x19, [sp, #FRAME_X(18)]
    stp x20, x21, [sp, #FRAME_X(20)]
    stp x22, x23, [sp, #FRAME_X(22)]
    stp x24, x25, [sp, #FRAME_X(24)]
    stp x26, x27, [sp, #FRAME_X(26)]
    stp x28, x29, [sp, #FRAME_X(28)]
    mrs x22, elr_el1
    mrs x23, spsr_el1
    .if \el == 0
    mrs x21, sp_el0
    ldr x20, [sp, #FRAME_THREAD]
    msr sp_el0, x20                // the kernel's meaning of SP_EL0: the running thread
    mov x29, xzr                   // backtraces end here
    .else
    add x21, sp, #FRAME_SIZE
    stp x29, x22, [sp, #FRAME_RECORD]
    add x29, sp, #FRAME_RECORD
    .endif
    stp x30, x21, [sp, #FRAME_X(30)]
    stp x22, x23, [sp, #FRAME_PC]
    .endm

// Interrupts masked; to user mode, x20 = the running thread. Leaves with the eret.
    .macro RESTORE_FRAME el
    ldp x22, x23, [sp, #FRAME_PC]
    ldp x30, x21, [sp, #FRAME_X(30)]
    .if \el == 0
    str x20, [sp, #FRAME_THREAD]
    msr sp_el0, x21
    .endif
    msr elr_el1, x22
    msr spsr_el1, x23
    ldp x0, x1, [sp, #FRAME_X(0)]
    ldp x2, x3, [sp, #FRAME_X(2)]
    ldp x4, x5, [sp, #FRAME_X(4)]
    ldp x6, x7, [sp, #FRAME_X(6)]
    ldp x8, x9, [sp, #FRAME_X(8)]
    ldp x10, x11, [sp, #FRAME_X(10)]
    ldp x12, x13, [sp, #FRAME_X(12)]
    ldp x14, x15, [sp, #FRAME_X(14)]
    ldp x16, x17, [sp, #FRAME_X(16)]
    ldp x18, x19, [sp, #FRAME_X(18)]
    ldp x20, x21, [sp, #FRAME_X(20)]
    ldp x22, x23, [sp, #FRAME_X(22)]
    ldp x24, x25, [sp, #FRAME_X(24)]
    ldp x26, x27, [sp, #FRAME_X(26)]
    ldp x28, x29, [sp, #FRAME_X(28)]
    add sp, sp, #FRAME_SIZE
    eret
    dsb nsh                        // no speculation past the return
    isb
    .endm

    .macro VECTOR_EL0 slot, handler
    .org vectors + \slot * 0x80
    sub sp, sp, #FRAME_SIZE
    b \handler
    .endm

// A stack that has run over has STACK_OVERFLOW_BIT set in SP. x0 is freed by arithmetic on SP
// alone.
    .macro VECTOR_EL1 slot, handler
    .org vectors + \slot * 0x80
    sub sp, sp, #FRAME_SIZE
    add sp, sp, x0
    sub x0, sp, x0
    tbnz x0, #STACK_OVERFLOW_BIT, stack_overflow
    sub x0, sp, x0
    sub sp, sp, x0
    b \handler
    .endm

    .macro VECTOR_UNEXPECTED slot
    .org vectors + \slot * 0x80
    sub sp, sp, #FRAME_SIZE
    SAVE_FRAME 1
    mov x1, #\slot
    b unexpected
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .global vectors
vectors:
    VECTOR_UNEXPECTED 0            // EL1 with SP_EL0: the kernel never runs so
    VECTOR_UNEXPECTED 1
    VECTOR_UNEXPECTED 2
    VECTOR_UNEXPECTED 3
    VECTOR_EL1 4, el1_sync
    VECTOR_EL1 5, el1_irq
    VECTOR_UNEXPECTED 6            // FIQ is masked in the kernel
    VECTOR_EL1 7, el1_serror
    VECTOR_EL0 8, el0_sync
    VECTOR_EL0 9, el0_irq
    VECTOR_EL0 10, el0_fiq
    VECTOR_EL0 11, el0_serror
    VECTOR_UNEXPECTED 12           // AArch32: never entered
    VECTOR_UNEXPECTED 13
    VECTOR_UNEXPECTED 14
    VECTOR_UNEXPECTED 15
    .org vectors + 16 * 0x80

el0_irq:
    SAVE_FRAME 0
    mov x0, sp
    bl on_irq
    b user_exit

el0_fiq:
    SAVE_FRAME 0
    mov x1, #10
    b unexpected

el0_serror:
    SAVE_FRAME 0
    mov x0, sp
    mrs x1, esr_el1
    bl on_serror
    b user_exit

el0_fault:                         // or another exception; x0, x1 as below
    mrs x2, far_el1
    bl on_sync
    b user_exit

el0_sync:
    SAVE_FRAME 0
    mrs x1, esr_el1
    lsr x2, x1, #ESR_EC_SHIFT
    cmp x2, #EC_SVC64
    mov x0, sp
    b.ne el0_fault
    msr daifclr, #UNMASK_ALL_BUT_FIQ
    bl handle_syscall
    // and on to user_exit

// The one way to user mode.
user_exit:
    msr daifset, #MASK_ALL
    mrs x20, sp_el0
    ldr w1, [x20, #THREAD_WORK]
    cbnz w1, 2f
1:  RESTORE_FRAME 0
2:  msr daifclr, #UNMASK_ALL_BUT_FIQ
    mov x0, sp
    bl handle_user_return_work
    msr daifset, #MASK_ALL
    b 1b

el1_sync:
    SAVE_FRAME 1
    mov x0, sp
    mrs x1, esr_el1
    mrs x2, far_el1
    bl on_sync
    b kernel_exit

el1_irq:
    SAVE_FRAME 1
    mov x0, sp
    bl on_irq
    b kernel_exit

el1_serror:
    SAVE_FRAME 1
    mov x0, sp
    mrs x1, esr_el1
    bl on_serror

kernel_exit:
    msr daifset, #MASK_ALL
    RESTORE_FRAME 1

// SP = old SP - FRAME_SIZE + x0, x0 = old SP - FRAME_SIZE. The user's thread pointers serve as
// scratch: nothing returns from here.
stack_overflow:
    msr tpidr_el0, x0
    sub x0, sp, x0
    msr tpidrro_el0, x0
    mrs x0, tpidr_el1
    mov sp, x0
    adr_l x0, emergency_stack_top
    add x0, sp, x0
    ldr x0, [x0]
    sub sp, x0, #FRAME_SIZE
    mrs x0, tpidrro_el0
    SAVE_FRAME 1
    mrs x0, tpidr_el0
    add x0, x0, #FRAME_SIZE
    str x0, [sp, #FRAME_SP]
    mov x0, sp
    mrs x1, esr_el1
    mrs x2, far_el1
    bl on_stack_overflow
    brk #0

// x1 = number of the vector.
unexpected:
    mov x0, sp
    mrs x2, esr_el1
    bl on_unexpected
    brk #0

// [[noreturn]] return_to_user(frame): the frame is the user frame at the top of the stack.
    .global return_to_user
return_to_user:
    msr daifset, #MASK_ALL
    mov sp, x0
    b user_exit

// void switch_context(Context* from, Context* to)
    .global switch_context
switch_context:
    stp x19, x20, [x0, #0]
    stp x21, x22, [x0, #16]
    stp x23, x24, [x0, #32]
    stp x25, x26, [x0, #48]
    stp x27, x28, [x0, #64]
    stp x29, x30, [x0, #80]
    mov x2, sp
    str x2, [x0, #CONTEXT_SP]
    ldr x2, [x1, #CONTEXT_SP]
    ldp x19, x20, [x1, #0]
    ldp x21, x22, [x1, #16]
    ldp x23, x24, [x1, #32]
    ldp x25, x26, [x1, #48]
    ldp x27, x28, [x1, #64]
    ldp x29, x30, [x1, #80]
    mov sp, x2
    ret

// A new thread's first instruction: x19 = entry, x20 = its argument, x29 = 0.
    .global thread_start
thread_start:
    mov x0, x20
    blr x19
    brk #0
