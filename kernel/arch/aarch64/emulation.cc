// SPDX-License-Identifier: MIT
// Emulation of trapped instructions; see emulation.h. Thread context, interrupts on: the
// instruction is read from the program's memory.

#include "emulation.h"

#include "arch/user_copy.h"
#include "fault.h"
#include "id_registers.h"

namespace kernel::arch {
namespace {

constexpr uint64_t kPstateBranchType = 3 << 10;
constexpr unsigned kZeroRegister = 31;
constexpr uint32_t kMrsMask = 0xfff0'0000, kMrs = 0xd530'0000;

void skip_instruction(TrapFrame& frame) {
  frame.pc += 4;
  frame.pstate &= ~kPstateBranchType;
}

bool emulate_read(TrapFrame& frame, uint32_t which, unsigned target) {
  std::optional<uint64_t> value = emulated_id_register(which);
  if (!value) return false;
  if (target != kZeroRegister) frame.x[target] = *value;
  skip_instruction(frame);
  return true;
}

}  // namespace

bool emulate_system_register(TrapFrame& frame, uint64_t syndrome) {
  if (exception_class(syndrome) == ExceptionClass::WfxTrap) {
    skip_instruction(frame);  // a hint: doing nothing is right
    return true;
  }
  // ISS of EC 0x18: Op0 21:20, Op2 19:17, Op1 16:14, CRn 13:10, Rt 9:5, CRm 4:1, 0 = read.
  bool is_read = field(syndrome, 0, 1) != 0;
  if (!is_read) return false;
  auto part = [&](unsigned low, unsigned width) {
    return static_cast<unsigned>(field(syndrome, low, width));
  };
  uint32_t which = system_register(part(20, 2), part(14, 3), part(10, 4), part(1, 4), part(17, 3));
  return emulate_read(frame, which, part(5, 5));
}

bool emulate_undefined(TrapFrame& frame) {
  uint32_t instruction = 0;
  if (!load_user_u32(UserAddr{frame.pc}, instruction)) return false;
  if ((instruction & kMrsMask) != kMrs) return false;
  // Bit 20 of the instruction is the low bit of Op0, whose high bit is always set.
  uint32_t which = (instruction >> 5 & 0x7fff) | 1u << 15;
  return emulate_read(frame, which, instruction & 31);
}

}  // namespace kernel::arch
