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

// Leaves kernel mode with the frame; the last step of starting a user thread.
[[noreturn]] void return_to_user(TrapFrame& frame);

}  // namespace kernel::arch

#include "arch_impl/trap_frame.h"
