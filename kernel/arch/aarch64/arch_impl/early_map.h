// SPDX-License-Identifier: MIT
// What the boot tables and the final map share: the image's limits and the roots.
#pragma once

#include "arch/mmu.h"
#include "lib/types.h"

extern "C" {
// kernel.ld. Their address is the value; before the jump to the high half it is the physical one.
extern const char _image_start[], _image_end[], _text_end[], _rodata_start[], _rodata_end[],
    _data_end[];
extern const char _bss_start[], _bss_end[], _idmap_start[], _idmap_end[], _percpu_start[],
    _percpu_end[];
}

namespace kernel::arch {

extern "C" {
extern PhysAddr identity_root;
extern PhysAddr kernel_root;
extern uint64_t loader_exception_level;  // what the loader started us at
}

// Pages for devices that are needed before mm can map them: the first console. The last 2 MiB.
inline constexpr uint64_t kEarlyDeviceSlots = 0xffff'ffff'ffe0'0000;
extern uint64_t early_device_table[512];

}  // namespace kernel::arch
