// SPDX-License-Identifier: MIT
// What a panic prints of the machine. Any context, even a broken one: nothing here allocates, locks
// or trusts a pointer that it has not checked.
#pragma once

#include "arch/trap_frame.h"
#include "lib/types.h"

namespace kernel::arch {

void log_registers(const TrapFrame& frame);

// Calls visit(argument, return address) for each frame from this one, or from the frame of an
// exception, up to `limit`.
using VisitFrame = void (*)(void* argument, uint64_t address);
void walk_stack(const TrapFrame* from, size_t limit, VisitFrame visit, void* argument);

// An address of the running image as the ELF file has it.
uint64_t link_address(uint64_t address);
bool is_kernel_text(uint64_t address);

}  // namespace kernel::arch
