// SPDX-License-Identifier: MIT
// Polled output for the time before drivers, and for panics: each serial driver lends one function
// that sends a character with registers mapped at an address, in a linker section of its own.
#pragma once

#include "lib/log.h"
#include "lib/types.h"

namespace kernel {

struct EarlyUart {
  uint64_t base;       // virtual
  unsigned reg_shift;  // ns16550a: log2 of the distance of registers
  unsigned io_width;   // bytes an access
};

struct EarlyConsoleType {
  const char* compatible;
  // Waits until the device takes the character, but for a bounded number of turns.
  void (*put)(const EarlyUart& uart, char c);
};

#define EARLY_CONSOLE(name, ...)                                              \
  [[gnu::used, gnu::section(".early_consoles")]] constinit const              \
      ::kernel::EarlyConsoleType early_console_##name = __VA_ARGS__

// Finds the device of /chosen/stdout-path, maps it and makes it the first log console.
// Nothing happens when there is none or nobody knows it.
void start_early_console();
// The driver has taken the device over: the early console writes only in a panic from now on.
void retire_early_console();
// Physical base of the device in use, so that its driver knows it is the console. 0: none.
PhysAddr early_console_base();

}  // namespace kernel
