// SPDX-License-Identifier: MIT
// Offsets of C++ structures that assembly uses; each is asserted beside its structure.
#pragma once

// struct TrapFrame (arch_impl/trap_frame.h)
#define FRAME_X(n) ((n) * 8)
#define FRAME_SP 248
#define FRAME_PC 256
#define FRAME_PSTATE 264
#define FRAME_THREAD 272
#define FRAME_RECORD 304
#define FRAME_SIZE 320

// struct ThreadBase (arch/thread_base.h)
#define THREAD_PREEMPT_COUNT 0
#define THREAD_WORK 4
#define THREAD_STACK_TOP 8
#define THREAD_STACK_BOTTOM 16

// struct Context (arch_impl/context.h)
#define CONTEXT_SP 96

// struct SecondaryStart (smp.cc)
#define START_HARDWARE_ID 0
#define START_STACK_TOP 8
#define START_PER_CPU_OFFSET 16
#define START_IDLE 24
#define START_CPU 32
#define START_SIZE 40
#define START_COUNT 64

// A stack is the lower half of an aligned block of this size: the bit says "overflowed".
#define STACK_SIZE 16384
#define STACK_OVERFLOW_BIT 14
