// SPDX-License-Identifier: MIT
// What opening a node of a block device gives.
#pragma once

#include "fs/vfs/file.h"

namespace kernel {

// Errors: NxIo when there is no such device, Busy for O_EXCL on one that is in use.
Result<Ref<File>> open_block_device(const Path& path, uint32_t flags);

}  // namespace kernel
