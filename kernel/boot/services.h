// SPDX-License-Identifier: MIT
// What this kernel has beyond processes in a tree of files: the profile says it (services.cc, or
// profile/).
#pragma once

#include "lib/result.h"

namespace kernel {

// Before devices: threads of the kernel's own.
Result<> start_threads();
void start_services();
// The types that init mounts, and the devices that it finds in /dev. The root is there.
Result<> add_file_systems();

}  // namespace kernel
