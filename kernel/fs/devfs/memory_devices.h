// SPDX-License-Identifier: MIT
// The character devices of major 1 that are no hardware: null(4), random(4), /dev/full.
#pragma once

#include "dev/char_device.h"
#include "lib/result.h"

namespace kernel {

Result<> register_memory_devices();
// Of the same major number: kmsg.cc.
Result<> register_kmsg();

}  // namespace kernel
