// SPDX-License-Identifier: MIT
// The registers of an interrupted context, saved once by the entry macro at the top of the kernel
// stack. arch_impl/trap_frame.h defines `struct TrapFrame` with the members below; everything above
// arch uses only these functions.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

struct TrapFrame;

// The frame of the user mode entry of the thread whose kernel stack ends at `stack_top`.
TrapFrame& user_frame(VirtAddr stack_top);

bool from_user(const TrapFrame& frame);
UserAddr program_counter(const TrapFrame& frame);
void set_program_counter(TrapFrame& frame, UserAddr pc);
UserAddr stack_pointer(const TrapFrame& frame);
void set_stack_pointer(TrapFrame& frame, UserAddr sp);
uint64_t syscall_number(const TrapFrame& frame);            // x8
uint64_t syscall_argument(const TrapFrame& frame, size_t index);  // x0..x5
void set_syscall_result(TrapFrame& frame, int64_t value);   // x0
int64_t syscall_result(const TrapFrame& frame);

// A frame knows whether it came from a system call, and the first argument before the result took
// its register: signal delivery restarts calls by them. Entries for anything else than SVC
// end_syscall().
uint64_t begin_syscall(TrapFrame& frame);                   // records both; returns the number
bool in_syscall(const TrapFrame& frame);
void end_syscall(TrapFrame& frame);  // from now on not in a call (rt_sigreturn)
uint64_t original_argument(const TrapFrame& frame, size_t index);
// Back to the svc instruction with the arguments of the call; `number` other than the original one
// for restart_syscall(2).
void rewind_syscall(TrapFrame& frame, uint64_t number);

// Leaves kernel mode with the frame; the last step of starting a user thread.
extern "C" [[noreturn]] void return_to_user(TrapFrame& frame);

}  // namespace kernel::arch

#include "arch_impl/trap_frame.h"
