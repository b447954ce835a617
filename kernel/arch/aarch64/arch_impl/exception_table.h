// SPDX-License-Identifier: MIT
// Pairs of (instruction that may fault, where to go on), as offsets from the entry itself, so that
// the table needs no relocation. user_copy.S fills it.
#pragma once

#include <cstdint>

namespace kernel::arch {

// 0 when the instruction is not a user access.
uint64_t find_fixup(uint64_t pc);

}  // namespace kernel::arch
