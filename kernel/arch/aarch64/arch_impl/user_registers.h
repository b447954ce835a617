// SPDX-License-Identifier: MIT
// See arch/user_registers.h.
#pragma once

#include "arch_impl/context.h"
#include "arch_impl/trap_frame.h"

namespace kernel::arch {

inline void set_thread_pointer(UserState& state, uint64_t value) { state.tpidr = value; }

inline void start_program(TrapFrame& frame, UserAddr entry, UserAddr stack_pointer) {
  for (uint64_t& x : frame.x) x = 0;
  frame.sp = raw(stack_pointer);
  frame.pc = raw(entry);
  frame.pstate = PSTATE_EL0T;
  end_syscall(frame);
}

inline uint64_t return_address(const TrapFrame& frame) { return frame.x[30]; }

}  // namespace kernel::arch
