// SPDX-License-Identifier: MIT
// The trap frame of AArch64; see arch/trap_frame.h. vectors.S writes and reads it.
#pragma once

#include <bit>

#include "arch_impl/frame_offsets.h"
#include "arch_impl/registers.h"
#include "lib/types.h"

namespace kernel::arch {

struct alignas(16) TrapFrame {
  uint64_t x[31];
  uint64_t sp;      // SP_EL0 of user mode; of kernel mode, the SP before the frame
  uint64_t pc;      // ELR_EL1
  uint64_t pstate;  // SPSR_EL1
  // User frames: the thread, so that entry finds it with one load. Written on each way out.
  uint64_t thread;
  uint64_t original_x0;  // the first argument of the system call, before the result
  int64_t syscall;       // its number, or -1: the frame is of an interrupt or a fault
  uint64_t padding;
  // A frame record (x29, return address) of the interrupted kernel context, for backtraces.
  uint64_t record[2];
};
static_assert(offsetof(TrapFrame, x) == FRAME_X(0) && offsetof(TrapFrame, sp) == FRAME_SP &&
              offsetof(TrapFrame, pc) == FRAME_PC && offsetof(TrapFrame, pstate) == FRAME_PSTATE &&
              offsetof(TrapFrame, thread) == FRAME_THREAD &&
              offsetof(TrapFrame, record) == FRAME_RECORD && sizeof(TrapFrame) == FRAME_SIZE);

inline TrapFrame& user_frame(VirtAddr stack_top) {
  return *std::bit_cast<TrapFrame*>(raw(stack_top) - sizeof(TrapFrame));
}
inline bool from_user(const TrapFrame& frame) {
  return (frame.pstate & PSTATE_MODE_MASK) == PSTATE_EL0T;
}
inline UserAddr program_counter(const TrapFrame& frame) { return UserAddr{frame.pc}; }
inline void set_program_counter(TrapFrame& frame, UserAddr pc) { frame.pc = raw(pc); }
inline UserAddr stack_pointer(const TrapFrame& frame) { return UserAddr{frame.sp}; }
inline void set_stack_pointer(TrapFrame& frame, UserAddr sp) { frame.sp = raw(sp); }
inline uint64_t syscall_number(const TrapFrame& frame) { return frame.x[8]; }
inline uint64_t syscall_argument(const TrapFrame& frame, size_t index) { return frame.x[index]; }
inline void set_syscall_result(TrapFrame& frame, int64_t value) {
  frame.x[0] = static_cast<uint64_t>(value);
}
inline uint64_t begin_syscall(TrapFrame& frame) {
  frame.original_x0 = frame.x[0];
  // Linux looks at w8 only.
  uint32_t number = static_cast<uint32_t>(frame.x[8]);
  frame.syscall = number;
  return number;
}
inline bool in_syscall(const TrapFrame& frame) { return frame.syscall != -1; }
inline void end_syscall(TrapFrame& frame) { frame.syscall = -1; }
inline uint64_t original_argument(const TrapFrame& frame, size_t index) {
  return index == 0 ? frame.original_x0 : frame.x[index];
}
inline void rewind_syscall(TrapFrame& frame, uint64_t number) {
  frame.x[0] = frame.original_x0;
  frame.x[8] = number;
  frame.pc -= 4;
  frame.syscall = -1;
}
inline int64_t syscall_result(const TrapFrame& frame) { return static_cast<int64_t>(frame.x[0]); }

}  // namespace kernel::arch
