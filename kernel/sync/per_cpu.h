// SPDX-License-Identifier: MIT
// One copy of a variable per CPU. `PER_CPU(Type, name);` defines it in the per-CPU section, whose
// contents each CPU's copy starts from. mine() is valid only while the thread cannot move.
#pragma once

#include "arch/irq_state.h"
#include "lib/check.h"
#include "sync/preempt.h"

namespace kernel {

// Offsets of every CPU's copy, [0] for the boot CPU; filled in before a CPU starts.
extern uint64_t per_cpu_offsets[kMaxCpus];
// CPUs that have a copy: 0 to per_cpu_count() - 1, running or not.
unsigned per_cpu_count();

// Boot CPU, the first thing in kernel_main: arch has made its copy and set its offset already.
void per_cpu_init();
// Makes the copy of `cpu` (the next number) in memory of per_cpu_area_size() bytes, page-aligned.
// The CPU then starts with per_cpu_offsets[cpu].
size_t per_cpu_area_size();
void per_cpu_install(unsigned cpu, VirtAddr area);
// This CPU's number, from its own per-CPU data. Preemption off.
unsigned this_cpu();

template <class T>
class PerCpu : public Pinned {
 public:
  constexpr PerCpu() = default;

  // Preemption off, for as long as the reference is used.
  T& mine() {
    DCHECK(arch::current_thread()->preempt_count != 0 || !arch::interrupts_enabled());
    return at(arch::per_cpu_offset());
  }
  // The copy of the CPU that runs this now, which the thread may leave any time: for T that brings
  // its own lock, where another CPU's copy is as correct, only slower.
  T& nearby() { return at(arch::per_cpu_offset()); }
  // Another CPU's copy: only for T that is safe to reach from elsewhere.
  T& on(unsigned cpu) { return at(per_cpu_offsets[cpu]); }

 private:
  T& at(uint64_t offset) {
    return *reinterpret_cast<T*>(reinterpret_cast<uint64_t>(&value_) + offset);
  }
  T value_{};
};

}  // namespace kernel

#define PER_CPU(Type, name) \
  constinit ::kernel::PerCpu<Type> name __attribute__((section(".percpu")))
