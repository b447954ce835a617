// SPDX-License-Identifier: MIT
// Matching devices to drivers. A driver is one file that names its `compatible` strings and a
// probe:
//   DRIVER(pl011, Stage::Device, probe, "arm,pl011")
// The table is a linker section; boot walks the device tree once per stage. A device found stays
// for good unless its probe fails, and then what it had claimed is given back.
#pragma once

#include "dev/device_tree.h"
#include "dev/interrupt.h"
#include "mm/kernel_map.h"

namespace kernel {

// What a node offers, as owned objects.
class Resources {
 public:
  explicit Resources(DeviceNode node) : node_(node) {}
  // The n-th `reg`, mapped. Errors: NoDev when absent, NoMem.
  Result<Mmio> mmio(size_t index = 0) const;
  // The n-th interrupt, translated by its controller. Errors: NoDev, Inval.
  Result<InterruptController::Line> interrupt(size_t index = 0) const;
  Result<InterruptController::Line> interrupt(StringView name) const;  // by interrupt-names
  bool dma_coherent() const { return node_.is_dma_coherent(); }

 private:
  DeviceNode node_;
};

enum class Stage : uint8_t { Irqchip, Timer, Bus, Device };

// A bound device: owned by the device list for as long as the kernel runs.
class Device {
 public:
  virtual ~Device() = default;
};

struct DriverRecord {
  const char* name;
  Stage stage;
  Result<Owned<Device>> (*probe)(DeviceNode node, const Resources& resources);
  const char* const* compatible;  // null-terminated
};

namespace drivers {
// Probes every enabled node that a driver of this stage matches. The order of a node's compatible
// strings decides between drivers. Logs each bound device and each failure.
void probe(Stage stage);
// Logs the compatible strings of enabled nodes that nobody took.
void list_unmatched();
}  // namespace drivers

}  // namespace kernel

#define DRIVER(driver, driver_stage, probe_function, ...)                                        \
  static constexpr const char* const driver##_compatible[] = {__VA_ARGS__, nullptr};             \
  [[gnu::used,                                                                                   \
    gnu::section(".drivers")]] static constinit const ::kernel::DriverRecord driver##_record = { \
      #driver, driver_stage, probe_function, driver##_compatible}
