// SPDX-License-Identifier: MIT
// The user half of a context switch: vector registers (user_state.S) and the thread pointer.

#include "arch/context.h"

#include "arch_impl/registers.h"

namespace kernel::arch {

void save_user_state(UserState& state) {
  uint64_t status = save_vectors(state.vectors);
  state.fpsr = static_cast<uint32_t>(status);
  state.fpcr = static_cast<uint32_t>(status >> 32);
  state.tpidr = READ_SYSREG(tpidr_el0);
}

void load_user_state(const UserState& state) {
  load_vectors(state.vectors, state.fpsr, state.fpcr);
  WRITE_SYSREG(tpidr_el0, state.tpidr);
}

}  // namespace kernel::arch
