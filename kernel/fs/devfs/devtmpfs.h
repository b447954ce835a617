// SPDX-License-Identifier: MIT
// devtmpfs: a tmpfs that has a node for every device that is registered, and that programs may
// change. One instance, however often it is mounted.
#pragma once

#include "lib/result.h"

namespace kernel::devtmpfs {

// The file system, the nodes of what is registered so far, and the memory devices (null, zero,
// random, kmsg…). Boot, after vfs::mount_root().
Result<> init();

}  // namespace kernel::devtmpfs
