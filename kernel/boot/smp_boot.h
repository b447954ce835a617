// SPDX-License-Identifier: MIT
// Bringing up the other CPUs of the device tree.
#pragma once

namespace kernel {

// Starts the secondary CPUs, at most `limit` CPUs in all (maxcpus=), and waits for each, half a
// second at most. Thread context, interrupts on.
void start_secondary_cpus(unsigned limit);

}  // namespace kernel
