// SPDX-License-Identifier: MIT
// The out-of-memory killer: when reclaim has found nothing, one process goes and the kernel lives.
#pragma once

#include "task/task.h"

namespace kernel::out_of_memory {

// Boot: registers with the frame allocator.
void init();

}  // namespace kernel::out_of_memory
