// SPDX-License-Identifier: MIT
// From a virtio device, on whatever bus, to its driver.

#include "drivers/virtio/transport.h"
#include "lib/log.h"

extern "C" {
extern const kernel::virtio::DriverEntry _virtio_drivers_start[];
extern const kernel::virtio::DriverEntry _virtio_drivers_end[];
}

namespace kernel::virtio {

unsigned next_device_number() {
  static constinit Atomic<uint32_t> found;
  return found.fetch_add_relaxed(1);
}

uint64_t Transport::config_u64(size_t offset) {
  for (;;) {
    uint32_t generation = config_generation();
    uint64_t value = config_u32(offset) | uint64_t{config_u32(offset + 4)} << 32;
    if (config_generation() == generation) return value;
  }
}

Result<Owned<Device>> bind(DeviceId id, Owned<Transport> transport) {
  for (const DriverEntry* driver = _virtio_drivers_start; driver != _virtio_drivers_end; ++driver) {
    if (driver->id == id) return driver->probe(std::move(transport));
  }
  log_info("virtio: no driver for device kind {}", id);
  return Errno::NoDev;
}

}  // namespace kernel::virtio
