// SPDX-License-Identifier: MIT
// A thread's saved execution: callee-saved registers and, for user threads, the floating-point
// state and thread pointer. Contract; the bodies are arch_impl/context.h and context_switch.S.
#pragma once

#include "arch/thread_base.h"

namespace kernel::arch {

struct Context;    // x19-x30 and sp of a thread that does not run
struct UserState;  // v0-v31, FPSR, FPCR, TPIDR_EL0: lives in the thread, live in the CPU while it
                   // runs

// Makes a context that starts at entry(argument) on the stack, with interrupts masked as switch
// leaves them; entry never returns.
void init_context(Context& context, VirtAddr stack_top, void (*entry)(void*), void* argument);

// Saves the present execution in `from`, resumes `to`. Interrupts masked. Returns when somebody
// switches back.
extern "C" void switch_context(Context* from, Context* to);

// Around switch_context, for threads that have user state. Interrupts masked.
void save_user_state(UserState& state);
void load_user_state(const UserState& state);

}  // namespace kernel::arch

#include "arch_impl/context.h"
