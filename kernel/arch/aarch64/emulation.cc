// SPDX-License-Identifier: MIT
// Emulation of trapped instructions; see emulation.h.

#include "emulation.h"

namespace kernel::arch {

bool emulate_system_register(TrapFrame&, uint64_t) { return false; }

}  // namespace kernel::arch
