// SPDX-License-Identifier: MIT
// memcpy, memmove, memset for Normal memory: 16 bytes at a time, the tail by overlapping accesses.
// Not for device registers, and not before the MMU is on (they access unaligned). memcmp keeps to
// aligned accesses: early_map.cc needs it.

    .macro FUNCTION name
    .section .text.\name, "ax"
    .balign 16
    .global \name
    .type \name, %function
\name:
    .endm

FUNCTION memmove
    sub x3, x0, x1
    cmp x3, x2
    b.hs memcpy            // the target does not start inside the source
    cbz x3, 3f
    add x4, x0, x2         // backwards
    add x5, x1, x2
1:  cmp x2, #16
    b.lo 2f
    ldp x6, x7, [x5, #-16]!
    stp x6, x7, [x4, #-16]!
    sub x2, x2, #16
    b 1b
2:  cbz x2, 3f
    ldrb w6, [x5, #-1]!
    strb w6, [x4, #-1]!
    sub x2, x2, #1
    b 2b
3:  ret

FUNCTION memcpy
    mov x3, x0
    cmp x2, #16
    b.lo 5f
    add x4, x1, x2         // ends
    add x5, x0, x2
    // The source's last 16 bytes are read before any store: memmove comes here with overlaps.
    ldp x14, x15, [x4, #-16]
    cmp x2, #64
    b.lo 3f
1:  ldp x6, x7, [x1]
    ldp x8, x9, [x1, #16]
    ldp x10, x11, [x1, #32]
    ldp x12, x13, [x1, #48]
    add x1, x1, #64
    stp x6, x7, [x3]
    stp x8, x9, [x3, #16]
    stp x10, x11, [x3, #32]
    stp x12, x13, [x3, #48]
    add x3, x3, #64
    sub x2, x2, #64
    cmp x2, #64
    b.hs 1b
3:  cmp x2, #16
    b.ls 4f
    ldp x6, x7, [x1], #16
    stp x6, x7, [x3], #16
    sub x2, x2, #16
    b 3b
4:  stp x14, x15, [x5, #-16]
    ret
5:  tbz x2, #3, 6f
    ldr x6, [x1], #8
    str x6, [x3], #8
6:  tbz x2, #2, 7f
    ldr w6, [x1], #4
    str w6, [x3], #4
7:  tbz x2, #1, 8f
    ldrh w6, [x1], #2
    strh w6, [x3], #2
8:  tbz x2, #0, 9f
    ldrb w6, [x1]
    strb w6, [x3]
9:  ret

FUNCTION memset
    and x1, x1, #0xff
    mov x3, #0x0101010101010101
    mul x1, x1, x3
    mov x3, x0
    cmp x2, #16
    b.lo 3f
    add x4, x0, x2
1:  cmp x2, #64
    b.lo 2f
    stp x1, x1, [x3]
    stp x1, x1, [x3, #16]
    stp x1, x1, [x3, #32]
    stp x1, x1, [x3, #48]
    add x3, x3, #64
    sub x2, x2, #64
    b 1b
2:  cmp x2, #16
    b.ls 4f
    stp x1, x1, [x3], #16
    sub x2, x2, #16
    b 2b
4:  cbz x2, 7f
    stp x1, x1, [x4, #-16]
    ret
3:  tbz x2, #3, 5f
    str x1, [x3], #8
5:  tbz x2, #2, 6f
    str w1, [x3], #4
6:  tbz x2, #1, 8f
    strh w1, [x3], #2
8:  tbz x2, #0, 7f
    strb w1, [x3]
7:  ret

FUNCTION memcmp
    orr x3, x0, x1
    tst x3, #7
    b.ne 2f
1:  cmp x2, #8
    b.lo 2f
    ldr x3, [x0], #8
    ldr x4, [x1], #8
    sub x2, x2, #8
    cmp x3, x4
    b.eq 1b
    rev x3, x3             // the first differing byte decides: compare as big-endian numbers
    rev x4, x4
    cmp x3, x4
    mov w0, #1
    cneg w0, w0, lo
    ret
2:  cbz x2, 3f
    ldrb w3, [x0], #1
    ldrb w4, [x1], #1
    sub x2, x2, #1
    subs w3, w3, w4
    b.eq 2b
    mov w0, w3
    ret
3:  mov w0, #0
    ret
