// SPDX-License-Identifier: MIT
// The first process.
#pragma once

#include "fs/vfs/fs_context.h"

namespace kernel {

// Boot, when the root file system is there: starts PID 1, which opens /dev/console as its
// descriptors 0, 1 and 2 and becomes rdinit= (/init) when that exists, else init=, /sbin/init,
// /etc/init, /bin/init, /bin/sh. It panics when nothing can be run.
Result<> start_init(Ref<FsContext> context);

}  // namespace kernel
