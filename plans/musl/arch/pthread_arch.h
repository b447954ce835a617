// SPDX-License-Identifier: MIT
// As syscall_arch.h: the thread pointer, by a function.
unsigned long __get_tp(void);

#define TLS_ABOVE_TP
#define GAP_ABOVE_TP 16

#define MC_PC pc
