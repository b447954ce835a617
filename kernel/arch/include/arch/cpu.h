// SPDX-License-Identifier: MIT
// The running CPU: who runs, which CPU this is, how to idle. Contract; the bodies are
// arch_impl/cpu.h.
#pragma once

#include "arch/thread_base.h"

namespace kernel::arch {

// The running thread (SP_EL0 on AArch64). Any context; constant for the caller.
ThreadBase* current_thread();
void set_current_thread(ThreadBase* thread);

// Byte distance from the link-time per-CPU section to this CPU's copy. Only inside a preempt-off
// section: the thread could move to another CPU otherwise.
uint64_t per_cpu_offset();
void set_per_cpu_offset(uint64_t offset);

// What the device tree's reg calls this CPU (MPIDR's affinity fields). Preemption off.
uint64_t hardware_id();

// Sleeps until an interrupt is pending, even when interrupts are masked. Idle thread only.
void wait_for_interrupt();
// Hint inside a spin loop.
void spin_hint();

// Random bits of the CPU (RNDR), for seeding. False when the CPU has none or it ran dry.
bool hardware_random(uint64_t& value);

}  // namespace kernel::arch

#include "arch_impl/cpu.h"
