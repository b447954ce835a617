// SPDX-License-Identifier: MIT
// Kernel stacks; the public functions are in kernel_map.h. Internal to mm.
#pragma once

#include "lib/types.h"

namespace kernel::kernel_map {

inline constexpr uint64_t kMaxStacks = 128 * 1024;
inline constexpr uint64_t kStackSlot =
    32 * KiB;  // the stack, and above it the guard of the next one
inline constexpr uint64_t kStackAreaSize = kMaxStacks * kStackSlot;

void init_stacks();

}  // namespace kernel::kernel_map
