// SPDX-License-Identifier: MIT
// Polled output on a 16550: what the log uses before the driver and in a panic.

#include "dev/early_console.h"
#include "drivers/serial/ns16550_registers.h"

namespace kernel {
namespace {

constexpr unsigned kPatience = 1'000'000;

uint32_t read(const EarlyUart& uart, size_t index) {
  uint64_t address = uart.base + (index << uart.reg_shift);
  if (uart.io_width == 4) return *reinterpret_cast<volatile uint32_t*>(address);
  return *reinterpret_cast<volatile uint8_t*>(address);
}

void write(const EarlyUart& uart, size_t index, uint8_t value) {
  uint64_t address = uart.base + (index << uart.reg_shift);
  if (uart.io_width == 4) {
    *reinterpret_cast<volatile uint32_t*>(address) = value;
  } else {
    *reinterpret_cast<volatile uint8_t*>(address) = value;
  }
}

void put(const EarlyUart& uart, char c) {
  for (unsigned i = 0; (read(uart, ns16550::kLineStatus) & ns16550::kTransmitEmpty) == 0; ++i) {
    if (i == kPatience) return;
  }
  write(uart, ns16550::kData, static_cast<uint8_t>(c));
}

EARLY_CONSOLE(ns16550, {"ns16550a", put});
EARLY_CONSOLE(ns16550_plain, {"ns16550", put});
EARLY_CONSOLE(dw_uart, {"snps,dw-apb-uart", put});

}  // namespace
}  // namespace kernel
