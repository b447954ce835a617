// SPDX-License-Identifier: MIT
// Interrupts of the build machine's CPUs are a flag that nothing ever interrupts. Bodies in cpu.cc.
#pragma once
