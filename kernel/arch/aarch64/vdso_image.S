// SPDX-License-Identifier: MIT
// The linked vDSO (vdso/, built by CMakeLists.txt) inside the kernel image, for vm/vdso.cc.

        .section .rodata, "a"
        .balign 4096
        .globl  vdso_image_start
vdso_image_start:
        .incbin "vdso.so"
        .balign 4096
        .globl  vdso_image_end
vdso_image_end:
