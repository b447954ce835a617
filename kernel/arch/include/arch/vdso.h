// SPDX-License-Identifier: MIT
// The vDSO's ELF image inside the kernel: page-aligned, whole pages. Its clock data
// (sched/vdso_data.h) is expected one page below it.
#pragma once

#include <span>

#include "lib/types.h"

namespace kernel::arch {

std::span<const uint8_t> vdso_image();
// Offset of __kernel_rt_sigreturn in it, for signal frames whose action has no restorer.
uint64_t vdso_sigreturn_offset();

}  // namespace kernel::arch
