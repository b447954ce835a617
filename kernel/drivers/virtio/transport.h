// SPDX-License-Identifier: MIT
// What virtio drivers see of a device, whatever bus it is on (Virtual I/O Device 1.2, sections 2
// and 3.1), and the table by which a device id finds its driver.
#pragma once

#include "dev/driver.h"
#include "drivers/virtio/queue.h"

namespace kernel::virtio {

inline constexpr uint64_t kFeatureVersion1 = uint64_t{1} << 32;

namespace status {
inline constexpr uint8_t kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8,
                         kFailed = 128;
}

enum class DeviceId : uint32_t {
  Net = 1,
  Block = 2,
  Console = 3,
  Entropy = 4,
  Gpu = 16,
  Input = 18,
  P9 = 9
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual bool is_legacy() const = 0;
  // Resets, acknowledges, and offers what both sides know of `wanted`. Returns what was agreed.
  // Queues are set up next, then start(). Errors: NoDev when the device refuses.
  virtual Result<uint64_t> negotiate(uint64_t wanted) = 0;
  // At most `size` entries. Errors: NoEnt when the device has no such queue, NoMem.
  virtual Result<Owned<Queue>> make_queue(uint16_t index, uint16_t size) = 0;
  virtual void start() = 0;  // DRIVER_OK
  virtual void notify(uint16_t queue) = 0;
  virtual uint8_t config_u8(size_t offset) = 0;
  virtual uint16_t config_u16(size_t offset) = 0;
  virtual uint32_t config_u32(size_t offset) = 0;
  // Changes with the configuration: what is wider than 32 bits is read in one generation.
  virtual uint32_t config_generation() = 0;
  uint64_t config_u64(size_t offset);
  // Calls handler.run() in the line's thread after each interrupt of the device.
  virtual Result<> connect(StringView name, InterruptHandler& handler) = 0;
  virtual void reset() = 0;  // the device forgets its queues, and touches memory no more
  virtual void fail() = 0;   // FAILED: the driver gives up
  // Where the device is, for names: the number of the device among those of all virtio busses.
  virtual unsigned number() const = 0;
  virtual bool dma_coherent() const = 0;
};

struct DriverEntry {
  DeviceId id;
  const char* name;
  Result<Owned<Device>> (*probe)(Owned<Transport> transport);
};

// The device's number among those of all virtio busses.
unsigned next_device_number();
// A bus driver found a device. Errors: NoDev when nobody drives this kind.
Result<Owned<Device>> bind(DeviceId id, Owned<Transport> transport);

}  // namespace kernel::virtio

#define VIRTIO_DRIVER(driver, device_id, probe_function)                                    \
  [[gnu::used, gnu::section(".virtio_drivers")]] static constinit const                     \
      ::kernel::virtio::DriverEntry driver##_entry = {device_id, #driver, probe_function}
