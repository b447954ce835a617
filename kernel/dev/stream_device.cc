// SPDX-License-Identifier: MIT
// The byte devices that drivers found; see stream_device.h.

#include "dev/stream_device.h"

#include "dev/registry.h"

namespace kernel {
namespace {

constinit Registry<StreamDevice> registry;

}  // namespace

Result<> register_stream_device(StreamDevice& device) { return registry.add(device); }

Result<> set_stream_device_sink(Result<> (*sink)(StreamDevice& device)) {
  return registry.set_sink(sink);
}

}  // namespace kernel
