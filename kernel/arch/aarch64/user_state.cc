// SPDX-License-Identifier: MIT
// The user half of a context switch: vector registers (user_state.S) and the thread pointer.

#include "arch/context.h"

#include "arch_impl/registers.h"

namespace kernel::arch {

void save_user_state(UserState& state) {
  save_vectors(&state);
  state.tpidr = READ_SYSREG(tpidr_el0);
}

void load_user_state(const UserState& state) {
  load_vectors(&state);
  WRITE_SYSREG(tpidr_el0, state.tpidr);
}

}  // namespace kernel::arch
