// SPDX-License-Identifier: MIT
// What boot asks of arch before mm runs: the first device mapping, the image's place, the final
// map.
#pragma once

#include <span>

#include "lib/types.h"

namespace kernel::arch {

// Maps the page of device registers into early slot `slot` (0..15), for good. Returns its address.
VirtAddr map_early_device(unsigned slot, PhysAddr registers);

// Where the image lies, .bss included: never handed out as memory.
PhysRange image_range();
// How far the image was slid from its link address.
uint64_t image_slide();
unsigned boot_exception_level();

// Replaces the boot tables by the final kernel map: `ram` in the linear map with the largest
// blocks, the image with final permissions. Both sorted and disjoint. Once, boot CPU alone,
// interrupts masked.
void build_kernel_map(std::span<const PhysRange> ram);

// The stack that a CPU switches to when a kernel stack has run over; 4 KiB is enough.
void set_emergency_stack(VirtAddr top, uint64_t per_cpu_offset);
void init_boot_emergency_stack();

}  // namespace kernel::arch
