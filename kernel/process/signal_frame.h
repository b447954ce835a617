// SPDX-License-Identifier: MIT
// The stack of a signal handler: putting a frame there, coming back from it (sigreturn(2)), the
// alternate stack (sigaltstack(2)). Running task only.
#pragma once

#include "arch/trap_frame.h"
#include "task/task.h"

namespace kernel {

inline constexpr uint32_t kStackOnStack = 1, kStackDisable = 2, kStackAutoDisarm = 1u << 31;
inline constexpr uint64_t kMinimumSignalStack = 5120;  // MINSIGSTKSZ of arm64
// AT_MINSIGSTKSZ: frame, frame record, alignment.
inline constexpr uint64_t kSignalFrameNeed = 4720;

struct Caught {
  SignalInfo info;
  SignalAction action;
};
// Error: Fault when the stack cannot take the frame.
Result<> enter_handler(Task& task, arch::TrapFrame& frame, const Caught& caught);
// Restores what enter_handler() saved; Fault when the frame is not one.
Result<> leave_handler(Task& task, arch::TrapFrame& frame);

// sigaltstack(2): SS_ONSTACK, SS_DISABLE or 0, as of this stack pointer.
uint32_t alt_stack_state(const Task& task, UserAddr stack_pointer);
// Errors: Perm on the stack itself, Inval, NoMem too small.
Result<> set_alt_stack(Task& task, UserAddr stack_pointer, UserAddr base, uint32_t flags,
                       uint64_t size);

}  // namespace kernel
