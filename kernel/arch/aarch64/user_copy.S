// SPDX-License-Identifier: MIT
// User memory accesses (arch/user_copy.h). Scalars use the unprivileged loads and stores, which
// obey user permissions whatever PAN says; bulk and atomic accesses run between USER_OPEN and
// USER_CLOSE, which lift PAN. Every instruction that may fault has an entry in the exception table:
// on_sync goes on at its fixup when vm cannot resolve the fault.

    .section .text.user_copy, "ax"

// Lifts PAN, where the CPU has it: elsewhere the instruction would be undefined.
    .macro USER_OPEN scratch
    adrp \scratch, cpu_has_pan
    ldr \scratch, [\scratch, :lo12:cpu_has_pan]
    cbz \scratch, .Lopen\@
    .inst 0xd500409f               // msr pan, #0
.Lopen\@:
    .endm
    .macro USER_CLOSE scratch
    adrp \scratch, cpu_has_pan
    ldr \scratch, [\scratch, :lo12:cpu_has_pan]
    cbz \scratch, .Lclose\@
    .inst 0xd500419f               // msr pan, #1
.Lclose\@:
    .endm

// An instruction that accesses user memory, and where to go when it may not.
    .macro USER fixup, instruction:vararg
.Luser\@:
    \instruction
    .pushsection .exception_table, "a"
    .balign 4
    .long .Luser\@ - .
    .long \fixup - .
    .popsection
    .endm

    .macro FUNCTION name
    .balign 16
    .global \name
    .type \name, %function
\name:
    .endm

// A load from the source, a store to the target: one of them is the user's.
    .macro COPY_LOAD user_is_source, fixup, instruction:vararg
    .if \user_is_source
    USER \fixup, \instruction
    .else
    \instruction
    .endif
    .endm
    .macro COPY_STORE user_is_source, fixup, instruction:vararg
    .if \user_is_source
    \instruction
    .else
    USER \fixup, \instruction
    .endif
    .endm

// 64 bytes at an offset.
    .macro COPY_64 user_is_source, fixup, at
    COPY_LOAD \user_is_source, \fixup, ldp x4, x5, [x1, #\at]
    COPY_LOAD \user_is_source, \fixup, ldp x6, x7, [x1, #\at + 16]
    COPY_LOAD \user_is_source, \fixup, ldp x9, x10, [x1, #\at + 32]
    COPY_LOAD \user_is_source, \fixup, ldp x11, x12, [x1, #\at + 48]
    COPY_STORE \user_is_source, \fixup, stp x4, x5, [x0, #\at]
    COPY_STORE \user_is_source, \fixup, stp x6, x7, [x0, #\at + 16]
    COPY_STORE \user_is_source, \fixup, stp x9, x10, [x0, #\at + 32]
    COPY_STORE \user_is_source, \fixup, stp x11, x12, [x0, #\at + 48]
    .endm

// The copy loops: 256 bytes, 64, 16, 8, then one at a time. x0 = to, x1 = from, x2 = bytes left,
// which is also the result: a fault leaves what was not copied. A fault inside a wide access is
// tried again with narrower ones, so that every byte before the bad page arrives: only behind the
// last access that may fault do the addresses move on.
    .macro COPY user_is_source
    USER_OPEN x8
    cmp x2, #16
    b.lo 2f
    subs x2, x2, #256
    b.lo 6f
5:  COPY_64 \user_is_source, 9f, 0
    COPY_64 \user_is_source, 9f, 64
    COPY_64 \user_is_source, 9f, 128
    COPY_64 \user_is_source, 9f, 192
    add x0, x0, #256
    add x1, x1, #256
    subs x2, x2, #256
    b.hs 5b
6:  adds x2, x2, #256 - 64
    b.mi 8f
7:  COPY_64 \user_is_source, 8f, 0
    add x0, x0, #64
    add x1, x1, #64
    subs x2, x2, #64
    b.hs 7b
8:  add x2, x2, #64
1:  cmp x2, #16
    b.lo 2f
    COPY_LOAD \user_is_source, 3f, ldp x4, x5, [x1]
    COPY_STORE \user_is_source, 3f, stp x4, x5, [x0], #16
    add x1, x1, #16
    sub x2, x2, #16
    b 1b
2:  tbz x2, #3, 3f
    COPY_LOAD \user_is_source, 3f, ldr x4, [x1]
    COPY_STORE \user_is_source, 3f, str x4, [x0], #8
    add x1, x1, #8
    sub x2, x2, #8
3:  cbz x2, 4f
10: COPY_LOAD \user_is_source, 4f, ldrb w4, [x1], #1
    COPY_STORE \user_is_source, 4f, strb w4, [x0], #1
    subs x2, x2, #1
    b.ne 10b
4:  USER_CLOSE x8
    mov x0, x2
    ret
9:  add x2, x2, #256
    b 1b
    .endm

FUNCTION user_copy_in
    COPY 1

FUNCTION user_copy_out
    COPY 0

// size_t user_zero(to, size)
FUNCTION user_zero
    USER_OPEN x8
    subs x1, x1, #64
    b.lo 6f
5:  USER 6f, stp xzr, xzr, [x0]
    USER 6f, stp xzr, xzr, [x0, #16]
    USER 6f, stp xzr, xzr, [x0, #32]
    USER 6f, stp xzr, xzr, [x0, #48]
    add x0, x0, #64
    subs x1, x1, #64
    b.hs 5b
6:  add x1, x1, #64
1:  cmp x1, #16
    b.lo 2f
    USER 2f, stp xzr, xzr, [x0]
    add x0, x0, #16
    sub x1, x1, #16
    b 1b
2:  cbz x1, 3f
4:  USER 3f, strb wzr, [x0], #1
    subs x1, x1, #1
    b.ne 4b
3:  USER_CLOSE x8
    mov x0, x1
    ret

// ptrdiff_t user_copy_string(to, from, limit). Words where they are aligned, so that none reaches
// into a page behind the string's end.
FUNCTION user_copy_string
    mov x3, #0
    mov x6, #0x0101010101010101
1:  cmp x3, x2
    b.hs 3f
    tst x1, #7
    b.eq 4f
5:  USER 2f, ldtrb w4, [x1]
    strb w4, [x0, x3]
    cbz w4, 3f
    add x1, x1, #1
    add x3, x3, #1
    b 1b
4:  add x5, x3, #8
    cmp x5, x2
    b.hi 6f
    USER 2f, ldtr x4, [x1]
    sub x7, x4, x6
    bic x7, x7, x4
    ands x7, x7, #0x8080808080808080  // a byte of x4 is zero: the first one's top bit is exact
    str x4, [x0, x3]
    b.ne 7f
    add x1, x1, #8
    mov x3, x5
    b 4b
7:  rbit x7, x7
    clz x7, x7
    add x0, x3, x7, lsr #3
    ret
6:  cmp x3, x2
    b.lo 5b
    b 3f
2:  mov x0, #-1
    ret
3:  mov x0, x3
    ret

// bool user_load_32(from, value*) and its kind: x0 = 1 when it worked
FUNCTION user_load_32
    USER 9f, ldtr w2, [x0]
    str w2, [x1]
    mov x0, #1
    ret
FUNCTION user_load_64
    USER 9f, ldtr x2, [x0]
    str x2, [x1]
    mov x0, #1
    ret
// bool user_store_16s(to, from, stride, count)
FUNCTION user_store_16s
    cbz x3, 2f
1:  ldrh w4, [x1]
    USER 9f, sttrh w4, [x0]
    add x0, x0, x2
    add x1, x1, x2
    subs x3, x3, #1
    b.ne 1b
2:  mov x0, #1
    ret
FUNCTION user_store_32
    USER 9f, sttr w1, [x0]
    mov x0, #1
    ret
FUNCTION user_store_64
    USER 9f, sttr x1, [x0]
    mov x0, #1
    ret
9:  mov x0, #0
    ret

// bool user_compare_exchange_32(at, expected*, desired). Bounded: another thread of the program may
// keep the exclusive from succeeding for ever. Then it is like a lost race: the caller compares and
// tries again.
FUNCTION user_compare_exchange_32
    ldr w3, [x1]
    mov w7, #128
    USER_OPEN x8
1:  USER 3f, ldxr w4, [x0]
    cmp w4, w3
    b.ne 2f
    USER 3f, stlxr w5, w2, [x0]
    cbz w5, 2f
    subs w7, w7, #1
    b.ne 1b
    mvn w4, w3                     // anything but what was expected
2:  dmb ish
    USER_CLOSE x8
    str w4, [x1]
    mov x0, #1
    ret
3:  USER_CLOSE x8
    mov x0, #0
    ret
