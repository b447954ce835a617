// SPDX-License-Identifier: MIT
// PCI functions as drivers and /sys see them: configuration space, resources, interrupt. The host
// bridge's driver finds them (drivers/pci); they stay for good.
#pragma once

#include "dev/interrupt.h"
#include "lib/list.h"
#include "mm/kernel_map.h"

namespace kernel {

// Of the configuration header (PCI Local Bus 3.0, chapter 6).
namespace pci {
inline constexpr size_t kVendor = 0x00, kDevice = 0x02, kCommand = 0x04, kStatus = 0x06,
                        kRevision = 0x08, kClass = 0x08, kHeaderType = 0x0e, kBar0 = 0x10,
                        kSubsystemVendor = 0x2c, kSubsystem = 0x2e, kCapabilities = 0x34,
                        kInterruptLine = 0x3c, kInterruptPin = 0x3d;
inline constexpr uint16_t kCommandIo = 1, kCommandMemory = 2, kCommandMaster = 4;
inline constexpr size_t kConfigSize = 4096;
inline constexpr size_t kBars = 6;
}  // namespace pci

struct PciAddress {
  uint16_t domain = 0;
  uint8_t bus = 0;
  uint8_t device = 0;
  uint8_t function = 0;
};

class PciFunction : public ListNode<PciFunction> {
 public:
  // What a base address register was given. Size 0: nothing.
  struct Resource {
    PhysAddr start{};      // for the CPU
    uint64_t bus_start = 0;  // for the device, and in the register
    uint64_t size = 0;
    uint32_t flags = 0;    // the register's low bits: 1 I/O, 4 64 bits wide, 8 prefetchable
    bool is_io() const { return (flags & 1) != 0; }
    // What user space is told: ports by number, memory by the CPU's address.
    uint64_t shown() const { return is_io() ? bus_start : raw(start); }
  };

  PciFunction(PciAddress address, const Mmio& configuration, size_t offset, bool coherent)
      : address_(address),
        configuration_(configuration),
        offset_(offset),
        coherent_(coherent) {}

  const PciAddress& address() const { return address_; }
  template <class T>
  T read(size_t offset) const {
    return configuration_.read<T>(offset_ + offset);
  }
  template <class T>
  void write(size_t offset, T value) const {
    configuration_.write<T>(offset_ + offset, value);
  }
  uint16_t vendor() const { return read<uint16_t>(pci::kVendor); }
  uint16_t device() const { return read<uint16_t>(pci::kDevice); }
  uint32_t class_code() const { return read<uint32_t>(pci::kClass) >> 8; }
  bool is_bridge() const { return (read<uint8_t>(pci::kHeaderType) & 0x7f) == 1; }
  bool dma_coherent() const { return coherent_; }

  // The next capability of this kind behind `after` (0: the first); 0 when there is none.
  uint8_t find_capability(uint8_t id, uint8_t after = 0) const;
  void enable(uint16_t command_bits) const {
    write<uint16_t>(pci::kCommand, read<uint16_t>(pci::kCommand) | command_bits);
  }
  // The line of its INTx pin, shared with others. Calls the handler as a line of its own would.
  Result<> connect_intx(StringView name, InterruptHandler& handler) const;

  // Set by the host bridge's driver, then constant.
  Resource bars[pci::kBars];
  std::optional<InterruptController::Line> line;
  const PciFunction* bridge = nullptr;  // that it is behind; null: on the host's own bus
  const char* driver = nullptr;  // who drives it
  bool bound = false;            // a driver was looked for

 private:
  PciAddress address_;
  const Mmio& configuration_;
  size_t offset_;
  bool coherent_;
};

struct PciDriver {
  const char* name;
  bool (*matches)(uint16_t vendor, uint16_t device);
  Result<> (*probe)(PciFunction& function);
};

namespace pci {
// By the host bridge's driver, function by function, for good; and when all have their places,
// the drivers of those that are new.
void add(PciFunction& function);
void bind_added();
// One after the other: the first for null, null behind the last.
PciFunction* next(PciFunction* function);
}  // namespace pci

}  // namespace kernel

#define PCI_DRIVER(driver, matches_function, probe_function)                       \
  [[gnu::used, gnu::section(".pci_drivers")]] static constinit const               \
      ::kernel::PciDriver driver##_entry = {#driver, matches_function, probe_function}
