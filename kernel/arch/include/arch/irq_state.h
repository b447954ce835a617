// SPDX-License-Identifier: MIT
// Masking of interrupts on the running CPU. Contract; the bodies are arch_impl/irq_state.h.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

enum class IrqState : uint64_t {};  // opaque: what restore_interrupts() needs

IrqState disable_interrupts();  // returns the state before
void restore_interrupts(IrqState state);
void enable_interrupts();
bool interrupts_enabled();

}  // namespace kernel::arch

#include "arch_impl/irq_state.h"
