// SPDX-License-Identifier: MIT
// Translation control on AArch64: TTBR0 is the user's, TTBR1 the kernel's (Arm ARM D8).
#pragma once

#include "arch_impl/registers.h"

namespace kernel::arch {

// VA - PA of the image; set by head.S before C++ runs in the high half.
extern "C" uint64_t image_offset;

inline VirtAddr linear_address(PhysAddr address) { return VirtAddr{raw(address) + kLinearMapBase}; }
inline PhysAddr physical_address(VirtAddr linear_or_image) {
  uint64_t address = raw(linear_or_image);
  return PhysAddr{address >= kImageBase ? address - image_offset : address - kLinearMapBase};
}
// Physical memory above this cannot be in the linear map, which ends where the next area starts.
inline constexpr PhysAddr kLinearMapLimit{kKernelMapBase - kLinearMapBase};

inline void set_user_table(PhysAddr root, Asid asid) {
  WRITE_SYSREG(ttbr0_el1, raw(root) | uint64_t{asid} << 48);
  instruction_barrier();
}
// Nothing is mapped for user mode: no stale walk can go anywhere.
void clear_user_table();

// Orders the stores before the walker's reads, and the walks before what follows.
inline void page_table_fence() { asm volatile("dsb ishst\n\tisb" ::: "memory"); }

inline void device_fence() { asm volatile("dmb osh" ::: "memory"); }

}  // namespace kernel::arch
