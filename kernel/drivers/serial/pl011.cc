// SPDX-License-Identifier: MIT
// PL011 UART (Arm DDI 0183). The line's speed is what firmware set: QEMU has none, and a board's
// console works as it was found.

#include "drivers/serial/pl011_registers.h"
#include "drivers/serial/uart.h"

namespace kernel {
namespace {

constexpr uint32_t kMajor = 204, kFirstMinor = 64;  // ttyAMA

constinit Atomic<uint32_t> ports;

class Pl011 final : public Uart {
 public:
  explicit Pl011(Mmio registers) : registers_(std::move(registers)) {}

  Result<> init(DeviceNode node, const Resources& resources) {
    write_register(pl011::kMask, 0);
    write_register(pl011::kClear, pl011::kAllInterrupts);
    write_register(pl011::kLineControl, pl011::kEightBits | pl011::kFifosEnabled);
    write_register(pl011::kControl,
                   pl011::kUartEnable | pl011::kTransmitEnable | pl011::kReceiveEnable);
    return start(node, resources, "ttyAMA", kMajor, kFirstMinor, ports);
  }

 private:
  bool can_transmit() override {
    return (read_register(pl011::kFlags) & pl011::kTransmitFull) == 0;
  }
  void transmit(uint8_t byte) override { write_register(pl011::kData, byte); }
  std::optional<Received> receive() override {
    if ((read_register(pl011::kFlags) & pl011::kReceiveEmpty) != 0) return std::nullopt;
    uint32_t data = read_register(pl011::kData);
    return Received{static_cast<uint8_t>(data), (data & pl011::kBreakError) != 0};
  }
  void enable_transmit_interrupt(bool on) override {
    mask_ = on ? mask_ | pl011::kTransmit : mask_ & ~pl011::kTransmit;
    write_register(pl011::kMask, mask_);
  }
  void enable_interrupts() override {
    mask_ |= pl011::kReceive | pl011::kReceiveTimeout;
    write_register(pl011::kMask, mask_);
  }

  uint32_t read_register(size_t offset) const { return registers_.read<uint32_t>(offset); }
  void write_register(size_t offset, uint32_t value) { registers_.write<uint32_t>(offset, value); }

  Mmio registers_;
  uint32_t mask_ = 0;
};

Result<Owned<Device>> probe(DeviceNode node, const Resources& resources) {
  Owned<Pl011> uart = TRY(make_owned<Pl011>(TRY(resources.mmio())));
  TRY(uart->init(node, resources));
  return Owned<Device>(std::move(uart));
}

DRIVER(pl011, Stage::Device, probe, "arm,pl011");

}  // namespace
}  // namespace kernel
