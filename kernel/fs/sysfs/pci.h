// SPDX-License-Identifier: MIT
// PCI functions in sysfs; see pci.cc.
#pragma once

#include "fs/sysfs/devices.h"

namespace kernel::sysfs {

// Below /sys/devices and /sys/bus.
Result<> add_pci_devices(StaticDirectory& devices, StaticDirectory& bus);

}  // namespace kernel::sysfs
