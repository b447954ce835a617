// SPDX-License-Identifier: MIT
// From a kernel with drivers to the first process: the tree of names that it finds.
#pragma once

#include "lib/result.h"
#include "lib/types.h"

namespace kernel {

// Boot thread. Makes the root, mounts nothing else: as on Linux, that is init's work. The initrd's
// memory is given back. Panics when there is no init.
void start_user_space(PhysRange initrd);

}  // namespace kernel
