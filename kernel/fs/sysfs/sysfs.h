// SPDX-License-Identifier: MIT
// sysfs (sysfs(5)): the first part of /sys that programs look into: CPUs, memory, the kernel's own
// facts, in a fixed tree made at boot, and the character devices.
#pragma once

#include "lib/result.h"

namespace kernel::sysfs {

// Registers the file system type; after the CPUs are up. Boot, once.
Result<> init();

}  // namespace kernel::sysfs
