// SPDX-License-Identifier: MIT
// Instructions of user mode that trap and that the kernel carries out (or skips) in the program's
// place.
#pragma once

#include "arch_impl/trap_frame.h"

namespace kernel::arch {

// MRS of an identification register, CTR_EL0 where the hardware's value must be hidden, WFI/WFE:
// true and the frame stands behind the instruction. False: the program gets SIGILL.
bool emulate_system_register(TrapFrame& frame, uint64_t syndrome);
// The same MRS where the CPU calls it undefined (before FEAT_IDST). The program counter is the
// user's.
bool emulate_undefined(TrapFrame& frame);

}  // namespace kernel::arch
