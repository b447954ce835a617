// SPDX-License-Identifier: MIT
// The system counter. The timer's interrupt and deadline register belong to drivers/timer.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

uint64_t counter();            // CNTVCT, ordered after earlier instructions
uint64_t counter_frequency();  // Hz

}  // namespace kernel::arch

#include "arch_impl/timer.h"
