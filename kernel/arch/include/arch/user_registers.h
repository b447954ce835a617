// SPDX-License-Identifier: MIT
// Registers of user mode that fork, exec and reports set or read by their meaning. Contract; the
// bodies are arch_impl/user_registers.h.
#pragma once

#include "arch/context.h"
#include "arch/trap_frame.h"

namespace kernel::arch {

// CLONE_SETTLS.
void set_thread_pointer(UserState& state, uint64_t value);
// execve: every register as a new program finds it.
void start_program(TrapFrame& frame, UserAddr entry, UserAddr stack_pointer);
// Where the present function of the program returns to; for reports only.
uint64_t return_address(const TrapFrame& frame);

}  // namespace kernel::arch

#include "arch_impl/user_registers.h"
