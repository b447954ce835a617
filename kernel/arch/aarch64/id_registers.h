// SPDX-License-Identifier: MIT
// The identification registers as user programs see them through emulated MRS: the fields that
// Linux shows (Documentation/arch/arm64/cpu-feature-registers.rst), with what all CPUs have in
// common and the kernel supports. Pure functions of bits but for the table in features.cc.
#pragma once

#include <optional>

#include "lib/types.h"

namespace kernel::arch {

// Op0, Op1, CRn, CRm, Op2 of a system register as one number (as in the MRS instruction, bits
// 19:5).
constexpr uint32_t system_register(unsigned op0, unsigned op1, unsigned crn, unsigned crm,
                                   unsigned op2) {
  return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
}

// Of a register in the space that is emulated (3, 0, 0, {0, 2..7}, x); nothing outside it.
std::optional<uint64_t> emulated_id_register(uint32_t which);

}  // namespace kernel::arch
