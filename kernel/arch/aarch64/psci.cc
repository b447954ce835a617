// SPDX-License-Identifier: MIT
// Power State Coordination Interface (Arm DEN 0022): CPUs on, machine off. The conduit comes from
// the device tree; without one nothing is called.

#include "psci.h"

#include "arch/smp.h"
#include "arch_impl/registers.h"

namespace kernel::arch {
namespace {

constexpr uint64_t kSystemOff = 0x8400'0008;
constexpr uint64_t kSystemReset = 0x8400'0009;
constexpr uint64_t kCpuOn = 0xc400'0003;  // 64-bit calling convention

constinit PsciConduit conduit = PsciConduit::None;

// SMC Calling Convention (Arm DEN 0028): x0-x17 may be clobbered.
int64_t call(uint64_t function, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0) {
  register uint64_t x0 asm("x0") = function;
  register uint64_t x1 asm("x1") = a;
  register uint64_t x2 asm("x2") = b;
  register uint64_t x3 asm("x3") = c;
#define PSCI_CALL(instruction)                                                               \
  asm volatile(instruction                                                                   \
               : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", \
                 "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory")
  switch (conduit) {
    case PsciConduit::Hvc:
      PSCI_CALL("hvc #0");
      break;
    case PsciConduit::Smc:
      // smc #0, spelled so that assemblers without the security extension take it
      PSCI_CALL(".inst 0xd4000003");
      break;
    case PsciConduit::None:
      return kPsciNotSupported;
  }
#undef PSCI_CALL
  return static_cast<int64_t>(x0);
}

}  // namespace

void set_psci_conduit(PsciConduit wanted) { conduit = wanted; }

int64_t psci_cpu_on(uint64_t hardware_id, PhysAddr entry) {
  return call(kCpuOn, hardware_id, raw(entry));
}

void power_off() { call(kSystemOff); }
void reset() { call(kSystemReset); }

}  // namespace kernel::arch
