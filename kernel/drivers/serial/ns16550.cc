// SPDX-License-Identifier: MIT
// 16550 UARTs (National Semiconductor PC16550D): what Firecracker and many boards have. The speed
// stays as firmware set it.

#include "drivers/serial/ns16550_registers.h"
#include "drivers/serial/uart.h"

namespace kernel {
namespace {

constexpr uint32_t kMajor = 4, kFirstMinor = 64;  // ttyS

constinit Atomic<uint32_t> ports;

class Ns16550 final : public Uart {
 public:
  Ns16550(Mmio registers, unsigned shift, unsigned width)
      : registers_(std::move(registers)), shift_(shift), width_(width) {}

  Result<> init(DeviceNode node, const Resources& resources) {
    write_register(ns16550::kInterruptEnable, 0);
    write_register(ns16550::kLineControl, ns16550::kEightBits);
    write_register(ns16550::kFifoControl, ns16550::kFifoEnable);
    write_register(ns16550::kModemControl, ns16550::kReady | ns16550::kInterruptsOut);
    return start(node, resources, "ttyS", kMajor, kFirstMinor, ports);
  }

 private:
  bool can_transmit() override {
    return (read_register(ns16550::kLineStatus) & ns16550::kTransmitEmpty) != 0;
  }
  void transmit(uint8_t byte) override { write_register(ns16550::kData, byte); }
  std::optional<Received> receive() override {
    uint8_t status = read_register(ns16550::kLineStatus);
    if ((status & (ns16550::kReceiveReady | ns16550::kBreak)) == 0) return std::nullopt;
    uint8_t byte = read_register(ns16550::kData);  // a break leaves a zero to be taken
    return Received{byte, (status & ns16550::kBreak) != 0};
  }
  void enable_transmit_interrupt(bool on) override {
    enabled_ = static_cast<uint8_t>(on ? enabled_ | ns16550::kOnTransmitEmpty
                                       : enabled_ & ~ns16550::kOnTransmitEmpty);
    write_register(ns16550::kInterruptEnable, enabled_);
  }
  void enable_interrupts() override {
    enabled_ |= ns16550::kOnReceive | ns16550::kOnLineStatus;
    write_register(ns16550::kInterruptEnable, enabled_);
  }

  uint8_t read_register(size_t index) const {
    size_t offset = index << shift_;
    return width_ == 4 ? static_cast<uint8_t>(registers_.read<uint32_t>(offset))
                       : registers_.read<uint8_t>(offset);
  }
  void write_register(size_t index, uint8_t value) {
    size_t offset = index << shift_;
    if (width_ == 4) return registers_.write<uint32_t>(offset, value);
    registers_.write<uint8_t>(offset, value);
  }

  Mmio registers_;
  unsigned shift_;
  unsigned width_;
  uint8_t enabled_ = 0;
};

Result<Owned<Device>> probe(DeviceNode node, const Resources& resources) {
  unsigned shift = node.cell("reg-shift").value_or(0),
           width = node.cell("reg-io-width").value_or(1);
  Owned<Ns16550> uart = TRY(make_owned<Ns16550>(TRY(resources.mmio()), shift, width));
  TRY(uart->init(node, resources));
  return Owned<Device>(std::move(uart));
}

DRIVER(ns16550, Stage::Device, probe, "ns16550a", "ns16550", "snps,dw-apb-uart");

}  // namespace
}  // namespace kernel
