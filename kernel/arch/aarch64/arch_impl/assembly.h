// SPDX-License-Identifier: MIT
// Macros of the assembly files.
#pragma once

// Any 64-bit constant.
    .macro mov_q register, value
    movz \register, #((\value) & 0xffff)
    movk \register, #(((\value) >> 16) & 0xffff), lsl #16
    movk \register, #(((\value) >> 32) & 0xffff), lsl #32
    movk \register, #(((\value) >> 48) & 0xffff), lsl #48
    .endm

// The address at which a symbol is now: physical before the jump to the high half, virtual after.
    .macro adr_l register, symbol
    adrp \register, \symbol
    add \register, \register, :lo12:\symbol
    .endm
