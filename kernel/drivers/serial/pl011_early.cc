// SPDX-License-Identifier: MIT
// Polled output on a PL011 (Arm DDI 0183): what the log uses before the driver and in a panic.

#include "dev/early_console.h"
#include "drivers/serial/pl011_registers.h"

namespace kernel {
namespace {

// At 9600 baud a character takes a millisecond; a device that is gone must not stop the kernel.
constexpr unsigned kPatience = 1'000'000;

void put(const EarlyUart& uart, char c) {
  auto reg = [&](size_t offset) {
    return reinterpret_cast<volatile uint32_t*>(uart.base + offset);
  };
  for (unsigned i = 0; (*reg(pl011::kFlags) & pl011::kTransmitFull) != 0; ++i) {
    if (i == kPatience) return;
  }
  *reg(pl011::kData) = static_cast<unsigned char>(c);
}

EARLY_CONSOLE(pl011, {"arm,pl011", put});

}  // namespace
}  // namespace kernel
