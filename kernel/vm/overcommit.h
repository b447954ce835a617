// SPDX-License-Identifier: MIT
// What memory is promised (proc(5), vm.overcommit_memory). Mode 0, the heuristic: one request may
// not promise more than the machine has; MAP_NORESERVE and PROT_NONE are free. Mode 1: everything
// is granted. Mode 2: the sum may not pass the commit limit. Any context.
#pragma once

#include "lib/result.h"

namespace kernel::overcommit {

enum class Mode : uint8_t { Heuristic = 0, Always = 1, Never = 2 };
void set_mode(Mode mode);
Mode mode();
void set_ratio(unsigned percent);  // vm.overcommit_ratio
uint64_t limit_pages();            // CommitLimit of /proc/meminfo

// Error: NoMem.
Result<> commit(uint64_t pages);
void uncommit(uint64_t pages);
uint64_t committed_pages();

}  // namespace kernel::overcommit
