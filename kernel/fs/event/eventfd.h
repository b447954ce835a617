// SPDX-License-Identifier: MIT
// eventfd(2): a counter as a file.
#pragma once

#include "fs/vfs/file.h"

namespace kernel {

inline constexpr uint32_t kEventSemaphore = 1;

// `flags`: EFD_SEMAPHORE and O_NONBLOCK.
Result<Ref<File>> make_event_file(uint32_t initial, uint32_t flags);

}  // namespace kernel
