// SPDX-License-Identifier: MIT
// The running CPU on AArch64: SP_EL0 is the thread, TPIDR_EL1 the per-CPU offset.
#pragma once

#include "arch_impl/registers.h"

namespace kernel::arch {

inline ThreadBase* current_thread() {
  ThreadBase* thread;
  // Not volatile: it never changes under the code that asks.
  asm("mrs %0, sp_el0" : "=r"(thread));
  return thread;
}
inline void set_current_thread(ThreadBase* thread) {
  asm volatile("msr sp_el0, %0" ::"r"(thread) : "memory");
}

// Volatile: a preempted thread goes on with another CPU's value.
inline uint64_t per_cpu_offset() {
  uint64_t offset;
  asm volatile("mrs %0, tpidr_el1" : "=r"(offset));
  return offset;
}
inline void set_per_cpu_offset(uint64_t offset) {
  asm volatile("msr tpidr_el1, %0" ::"r"(offset) : "memory");
}

inline uint64_t hardware_id() { return READ_SYSREG(mpidr_el1) & 0xff'00ff'ffff; }

inline void wait_for_interrupt() { asm volatile("dsb sy\n\twfi" ::: "memory"); }
inline void spin_hint() { asm volatile("yield" ::: "memory"); }

inline bool hardware_random(uint64_t& value) {
  if (field(READ_SYSREG(ID_AA64ISAR0_EL1), 60) == 0) return false;
  uint64_t failed;
  // RNDR sets Z when it has no random number to give.
  asm volatile("mrs %0, " SAMARA_STRINGIFY(SYS_RNDR) "\n\tcset %1, eq"
               : "=r"(value), "=r"(failed)::"cc");
  return failed == 0;
}

}  // namespace kernel::arch
