// SPDX-License-Identifier: MIT
// Block devices in sysfs; see block.cc.
#pragma once

#include "fs/sysfs/devices.h"

namespace kernel::sysfs {

// Below /sys, /sys/devices/virtual, /sys/class and /sys/dev.
struct BlockPlaces {
  StaticDirectory& root;
  StaticDirectory& virtual_devices;
  StaticDirectory& classes;
  StaticDirectory& dev;
};
Result<> add_block_devices(const BlockPlaces& places);

}  // namespace kernel::sysfs
