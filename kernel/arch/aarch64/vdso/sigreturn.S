// SPDX-License-Identifier: MIT
// Where a signal handler returns to. Debuggers and unwinders know these two instructions by their
// bytes and look one instruction before the return address: hence the nop, inside the unwind
// information. The frame record that the kernel puts below x29 leads to the interrupted function.

        .text
        .balign 16
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa x29, 0
        .cfi_offset x29, 0
        .cfi_offset x30, 8
        nop
        .globl __kernel_rt_sigreturn
        .type __kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
        mov     x8, #139                // rt_sigreturn
        svc     #0
        .cfi_endproc
        .size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn

// The kernel version that the C library may expect: ELF note "Linux", type 0 (uname's 6.1).
        .section .note.Linux, "a", %note
        .balign 4
        .long   2f - 1f, 4f - 3f, 0
1:      .asciz  "Linux"
2:      .balign 4
3:      .long   6 << 16 | 1 << 8
4:      .balign 4
