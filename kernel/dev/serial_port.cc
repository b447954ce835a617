// SPDX-License-Identifier: MIT
// The serial lines that drivers found; see serial_port.h.

#include "dev/serial_port.h"

#include "dev/registry.h"

namespace kernel {
namespace {

constinit Registry<SerialPort> registry;

}  // namespace

Result<> register_serial_port(SerialPort& port) { return registry.add(port); }

Result<> set_serial_port_sink(Result<> (*sink)(SerialPort& port)) {
  return registry.set_sink(sink);
}

}  // namespace kernel
