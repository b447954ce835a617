// SPDX-License-Identifier: MIT
// The trap frame on the build machine: the registers of AArch64, filled in by tests.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

struct alignas(16) TrapFrame {
  uint64_t x[31] = {};
  uint64_t sp = 0;
  uint64_t pc = 0;
  uint64_t original_x0 = 0;
  int64_t syscall = -1;
  bool user = true;
};

inline TrapFrame& user_frame(VirtAddr stack_top) {
  return *reinterpret_cast<TrapFrame*>(raw(stack_top) - sizeof(TrapFrame));
}
inline bool from_user(const TrapFrame& frame) { return frame.user; }
inline UserAddr program_counter(const TrapFrame& frame) { return UserAddr{frame.pc}; }
inline void set_program_counter(TrapFrame& frame, UserAddr pc) { frame.pc = raw(pc); }
inline UserAddr stack_pointer(const TrapFrame& frame) { return UserAddr{frame.sp}; }
inline void set_stack_pointer(TrapFrame& frame, UserAddr sp) { frame.sp = raw(sp); }
inline uint64_t syscall_number(const TrapFrame& frame) { return frame.x[8]; }
inline uint64_t syscall_argument(const TrapFrame& frame, size_t index) { return frame.x[index]; }
inline void set_syscall_result(TrapFrame& frame, int64_t value) {
  frame.x[0] = static_cast<uint64_t>(value);
}
inline int64_t syscall_result(const TrapFrame& frame) { return static_cast<int64_t>(frame.x[0]); }
inline uint64_t begin_syscall(TrapFrame& frame) {
  frame.original_x0 = frame.x[0];
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

}  // namespace kernel::arch
