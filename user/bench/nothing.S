// SPDX-License-Identifier: MIT
//
// The smallest program: exit(0).
    .text
    .global _start
_start:
    mov x0, #0
    mov x8, #93
    svc #0
