// SPDX-License-Identifier: MIT
// PSCI calls of this directory; power off and reset are in arch/smp.h.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

inline constexpr int64_t kPsciNotSupported = -1;
inline constexpr int64_t kPsciInvalidParameters = -2;
inline constexpr int64_t kPsciAlreadyOn = -4;

// Returns 0 or one of the above.
int64_t psci_cpu_on(uint64_t hardware_id, PhysAddr entry);

}  // namespace kernel::arch
