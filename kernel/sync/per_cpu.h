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
