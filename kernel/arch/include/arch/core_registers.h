// SPDX-License-Identifier: MIT
// A thread's registers as a core file and a debugger have them (struct user_pt_regs,
// struct user_fpsimd_state of asm/ptrace.h).
#pragma once

#include "arch/context.h"
#include "arch/trap_frame.h"

namespace kernel::arch {

inline constexpr uint16_t kElfMachine = 183;  // EM_AARCH64

struct GeneralRegisters {
  uint64_t x[31];
  uint64_t sp, pc, pstate;
};
static_assert(sizeof(GeneralRegisters) == 272);

struct VectorRegisters {
  uint64_t vectors[32][2];
  uint32_t fpsr, fpcr;
  uint32_t unused[2];
};
static_assert(sizeof(VectorRegisters) == 528);

inline GeneralRegisters general_registers(const TrapFrame& frame) {
  GeneralRegisters to;
  __builtin_memcpy(to.x, frame.x, sizeof to.x);
  to.sp = frame.sp;
  to.pc = frame.pc;
  to.pstate = frame.pstate;
  return to;
}

inline VectorRegisters vector_registers(const UserState& state) {
  VectorRegisters to{};
  __builtin_memcpy(to.vectors, state.vectors, sizeof to.vectors);
  to.fpsr = state.fpsr;
  to.fpcr = state.fpcr;
  return to;
}

inline uint64_t thread_pointer(const UserState& state) { return state.tpidr; }

}  // namespace kernel::arch
