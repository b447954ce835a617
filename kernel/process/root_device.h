// SPDX-License-Identifier: MIT
// The root file system on a disk, when the initramfs has no init: root=, rootfstype=, rootflags=,
// ro, rw, rootwait and rootdelay= of the kernel's command line, as Linux has them.
#pragma once

#include "lib/result.h"

namespace kernel {

// The running task, and all that come from it, stand in it afterwards, with the device file system
// on its /dev. Panics when it cannot be mounted.
void mount_root_device();

}  // namespace kernel
