// SPDX-License-Identifier: MIT
// CPUs: bring-up and power. The interrupt controller sends the inter-processor interrupts.
#pragma once

#include "arch/thread_base.h"
#include "lib/result.h"
#include "lib/types.h"

namespace kernel::arch {

// Sets every per-CPU register alike on boot and secondary CPUs (KB16).
void cpu_init();

struct CpuStart {
  uint64_t hardware_id;     // MPIDR affinity, the device tree's reg
  unsigned cpu;             // our number
  uint64_t per_cpu_offset;
  ThreadBase* idle;         // becomes current
};
enum class EnableMethod : uint8_t { Psci, SpinTable };
// Starts one CPU and returns at once; it arrives in secondary_cpu_main().
Result<> start_cpu(const CpuStart& start, EnableMethod method, PhysAddr release_address);

// PSCI conduit of the device tree; set once at boot. None: power calls fail.
enum class PsciConduit : uint8_t { None, Hvc, Smc };
void set_psci_conduit(PsciConduit conduit);
void power_off();  // returns only when there is no way
void reset();
[[noreturn]] void halt();  // this CPU, for good

}  // namespace kernel::arch
