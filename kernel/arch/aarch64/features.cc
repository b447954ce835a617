// SPDX-License-Identifier: MIT
// CPU features; see arch/features.h. Written while CPUs come up one by one, read after.

#include "arch/features.h"

#include "arch_impl/registers.h"

namespace kernel::arch {
namespace {

struct Processor {
  uint16_t part;
  const char* name;
};

// Arm's own (implementer 0x41), by part number.
constexpr Processor kArmProcessors[] = {
    {0xd03, "Cortex-A53"}, {0xd04, "Cortex-A35"}, {0xd05, "Cortex-A55"}, {0xd07, "Cortex-A57"},
    {0xd08, "Cortex-A72"}, {0xd09, "Cortex-A73"}, {0xd0a, "Cortex-A75"}, {0xd0b, "Cortex-A76"},
    {0xd0c, "Neoverse-N1"}, {0xd40, "Neoverse-V1"}, {0xd49, "Neoverse-N2"}, {0xd4f, "Neoverse-V2"},
};

}  // namespace

StringView processor_name() {
  uint64_t midr = processor_id();
  uint64_t implementer = field(midr, 24, 8), part = field(midr, 4, 12);
  if (implementer == 0x41) {
    for (const Processor& processor : kArmProcessors) {
      if (processor.part == part) return processor.name;
    }
  }
  if (implementer == 0) return "emulated (QEMU max)";
  return "unknown";
}

uint64_t processor_id() { return READ_SYSREG(midr_el1); }

// Clusters of different CPUs are not told apart yet: every CPU is taken to be like the one that asks.
uint64_t processor_id(unsigned) { return processor_id(); }

}  // namespace kernel::arch
