// SPDX-License-Identifier: MIT
// Entries of the kernel's own page table in the area of mappings on demand. Internal to mm. A leaf
// table is freed when its last entry goes (Frame::data of the table counts them), so that a burst
// of stacks leaves nothing behind. Which addresses are free is the callers' business. Any context.
#pragma once

#include <span>

#include "mm/page_table.h"

namespace kernel::kernel_table {

// Maps one page that is not mapped. Errors: NoMem.
Result<> map(VirtAddr page, PhysAddr frame, arch::PageAttributes attributes);
// Maps consecutive frames; all or nothing.
Result<> map_contiguous(VirtRange range, PhysAddr first, arch::PageAttributes attributes);

enum class Backing : uint8_t { Keep, Free };
// Unmaps what of the range is mapped, on all CPUs, and then frees the single frames behind it or
// not.
void unmap(VirtRange range, Backing backing);

}  // namespace kernel::kernel_table
