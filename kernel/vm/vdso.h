// SPDX-License-Identifier: MIT
// The vDSO in a process: two mappings, the clock data ("[vvar]") and behind it the ELF image
// ("[vdso]"). One memory object holds the pages of both for all processes.
#pragma once

#include "vm/address_space.h"

namespace kernel::vdso {

// Boot, once.
Result<> init();
// exec: maps it where the address space chooses and sets layout.vdso to the ELF image's address,
// which is what AT_SYSINFO_EHDR says.
Result<> map(AddressSpace& space);
// Where a signal handler without SA_RESTORER returns to; null address when the process has no vDSO.
UserAddr sigreturn_address(const AddressSpace& space);

}  // namespace kernel::vdso
