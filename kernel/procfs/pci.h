// SPDX-License-Identifier: MIT
// /proc/bus/pci/devices.
#pragma once

#include "fs/vfs/synthetic.h"

namespace kernel::procfs {

Result<> add_pci(StaticDirectory& root);

}  // namespace kernel::procfs
