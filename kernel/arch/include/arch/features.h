// SPDX-License-Identifier: MIT
// What the CPUs can do, as user programs may know it: HWCAPs of the auxiliary vector and the
// emulated identification registers agree, and name only what the kernel context-switches
// (design.md §4, CPUs).
#pragma once

#include "lib/string_view.h"
#include "lib/types.h"

namespace kernel::arch {

// Every CPU, in cpu_init(): what is common to all is what programs are told.
void detect_features();

uint64_t hwcap();    // AT_HWCAP
uint64_t hwcap2();   // AT_HWCAP2
// "fp asimd evtstrm …" for /proc/cpuinfo: the name of bit `index` of hwcap (0..63), hwcap2
// (64..127).
StringView hwcap_name(unsigned index);
StringView processor_name();  // of the boot CPU: "Cortex-A72"
// MIDR_EL1 of a CPU that has come up; of the CPU that runs this.
uint64_t processor_id(unsigned cpu);
uint64_t processor_id();

}  // namespace kernel::arch
