// SPDX-License-Identifier: MIT
// Where a signal handler returns to. Unwinders and debuggers know these two instructions by their
// bytes and take all registers from the frame above the stack pointer. So there is no unwind
// information here: it could only tell x29 and x30 of the frame record, would be preferred, and
// would lead past the interrupted function. Nor may any cover the nop: they look for it one
// instruction before the return address.

        .text
        .balign 16
        nop
        .globl __kernel_rt_sigreturn
        .type __kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
        mov     x8, #139                // rt_sigreturn
        svc     #0
        .size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn

// The kernel version that the C library may expect: ELF note "Linux", type 0 (uname's 6.1).
        .section .note.Linux, "a", %note
        .balign 4
        .long   2f - 1f, 4f - 3f, 0
1:      .asciz  "Linux"
2:      .balign 4
3:      .long   6 << 16 | 1 << 8
4:      .balign 4
