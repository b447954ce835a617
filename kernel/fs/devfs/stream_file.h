// SPDX-License-Identifier: MIT
// The device node and the open file of a driver's StreamDevice (dev/stream_device.h).
#pragma once

#include "dev/stream_device.h"
#include "lib/result.h"

namespace kernel {

Result<> register_stream_file(StreamDevice& device);

}  // namespace kernel
