// SPDX-License-Identifier: MIT
// The first console; see early_console.h. Needs no heap.

#include "dev/early_console.h"

#include "arch/early.h"
#include "dev/device_tree.h"
#include "lib/atomic.h"

namespace kernel {
namespace {

extern "C" const EarlyConsoleType _early_consoles_start[];
extern "C" const EarlyConsoleType _early_consoles_end[];

class EarlyConsole final : public LogConsole {
 public:
  void write(StringView text) override {
    if (retired_.load_relaxed() && !log_in_panic()) return;
    for (char c : text) {
      if (c == '\n') type->put(uart, '\r');
      type->put(uart, c);
    }
  }
  void retire() { retired_.store_relaxed(true); }

  const EarlyConsoleType* type = nullptr;
  EarlyUart uart{};
  PhysAddr physical{};

 private:
  Atomic<bool> retired_;
};
constinit EarlyConsole console;

const EarlyConsoleType* find_type(DeviceNode node) {
  for (const EarlyConsoleType* type = _early_consoles_start; type < _early_consoles_end; ++type) {
    if (node.is_compatible(type->compatible)) return type;
  }
  return nullptr;
}

}  // namespace

void start_early_console() {
  std::optional<DeviceNode> node = device_tree::stdout_node();
  if (!node) return;
  const EarlyConsoleType* type = find_type(*node);
  std::optional<PhysRange> registers = node->reg(0);
  if (type == nullptr || !registers) return;
  console.type = type;
  console.physical = registers->start;
  console.uart.base = raw(arch::map_early_device(0, registers->start));
  console.uart.reg_shift = node->cell("reg-shift").value_or(0);
  console.uart.io_width = node->cell("reg-io-width").value_or(1);
  log_add_console(console);
}

void retire_early_console() { console.retire(); }
PhysAddr early_console_base() { return console.physical; }

}  // namespace kernel
