// SPDX-License-Identifier: MIT
// arm64's struct rt_sigframe; see arch/signal_frame.h. Linux reserves 4 KiB for records behind the
// registers; only those in use are written.
#pragma once

#include "arch_impl/context.h"
#include "arch_impl/trap_frame.h"

namespace kernel::arch {

struct SignalRecordHead {
  uint32_t magic;
  uint32_t size;
};
inline constexpr uint32_t kFloatingPointMagic = 0x46508001;
inline constexpr uint32_t kSyndromeMagic = 0x45535201;

struct FloatingPointRecord {
  SignalRecordHead head;
  uint32_t fpsr;
  uint32_t fpcr;
  uint64_t vectors[32][2];
};
struct SyndromeRecord {
  SignalRecordHead head;
  uint64_t syndrome;
};

struct SignalFrame {
  uint8_t info[128];
  // --- ucontext
  uint64_t context_flags;
  uint64_t context_link;
  uint64_t stack_base;
  uint32_t stack_flags;
  uint32_t hole;
  uint64_t stack_size;
  uint64_t mask;
  uint8_t unused[120];
  uint64_t hole_before_registers;
  // --- sigcontext
  uint64_t fault_address;
  uint64_t x[31];
  uint64_t sp;
  uint64_t pc;
  uint64_t pstate;
  uint64_t hole_before_records;
  // Floating point, then the syndrome of a fault, then a head of zeros.
  FloatingPointRecord floating_point;
  SyndromeRecord syndrome;
  SignalRecordHead end;
  uint64_t end_padding;
};
inline constexpr size_t kSignalContextOffset = 128;
inline constexpr size_t kSignalRegistersOffset = 304;  // sigcontext
inline constexpr size_t kSignalRecordsOffset = 592;
inline constexpr size_t kSignalRecordsSize = 4096;
inline constexpr size_t kSignalFrameSize = kSignalRecordsOffset + kSignalRecordsSize;
static_assert(offsetof(SignalFrame, context_flags) == kSignalContextOffset &&
              offsetof(SignalFrame, mask) == 168 &&
              offsetof(SignalFrame, fault_address) == kSignalRegistersOffset &&
              offsetof(SignalFrame, floating_point) == kSignalRecordsOffset &&
              sizeof(FloatingPointRecord) == 528);

struct SignalFrameRecord {
  uint64_t frame_pointer;
  uint64_t return_address;
};

// A switch to another thread keeps the live registers: interrupts need not be masked here or below.
inline size_t save_signal_registers(SignalFrame& to, const TrapFrame& frame,
                                    uint64_t fault_address, uint64_t fault_syndrome) {
  to.fault_address = fault_address;
  for (size_t i = 0; i < 31; ++i) to.x[i] = frame.x[i];
  to.sp = frame.sp;
  to.pc = frame.pc;
  to.pstate = frame.pstate;
  to.hole_before_registers = to.hole_before_records = 0;
  to.floating_point.head = {kFloatingPointMagic, sizeof(FloatingPointRecord)};
  uint64_t status = save_vectors(to.floating_point.vectors);
  to.floating_point.fpsr = static_cast<uint32_t>(status);
  to.floating_point.fpcr = static_cast<uint32_t>(status >> 32);
  to.end = {};
  to.end_padding = 0;
  if (fault_syndrome == 0) {
    to.syndrome = {};  // the end stands here
    return offsetof(SignalFrame, end);
  }
  to.syndrome = {{kSyndromeMagic, sizeof(SyndromeRecord)}, fault_syndrome};
  return sizeof(SignalFrame);
}

inline void restore_signal_vectors(const FloatingPointRecord& from) {
  load_vectors(from.vectors, from.fpsr, from.fpcr);
}

inline SignalFrameRecord make_frame_record(const TrapFrame& frame) {
  return {frame.x[29], frame.x[30]};
}

inline void enter_signal_handler(TrapFrame& frame, const HandlerEntry& entry) {
  frame.x[0] = entry.signal;
  if (entry.wants_info) {
    frame.x[1] = entry.signal_frame;
    frame.x[2] = entry.signal_frame + kSignalContextOffset;
  }
  frame.x[29] = entry.frame_record;
  frame.x[30] = entry.restorer;
  frame.sp = entry.signal_frame;
  frame.pc = entry.handler;
  // BTYPE as after a direct branch; tag-check override off.
  constexpr uint64_t kBranchType = uint64_t{3} << 10, kTagCheckOverride = uint64_t{1} << 25;
  frame.pstate &= ~(kBranchType | kTagCheckOverride);
}

inline bool restore_signal_registers(TrapFrame& frame, const SignalFrame& from) {
  for (size_t i = 0; i < 31; ++i) frame.x[i] = from.x[i];
  frame.sp = from.sp;
  frame.pc = from.pc;
  constexpr uint64_t kFlags = uint64_t{0xf} << 28;  // N, Z, C, V
  // Of the rest user mode may set single-step, SSBS and DIT; other bits are dropped.
  constexpr uint64_t kSingleStep = 1 << 21, kSpeculation = 1 << 12, kTiming = 1 << 24;
  constexpr uint64_t kForbidden = PSTATE_MODE_MASK | PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F;
  bool valid = (from.pstate & kForbidden) == PSTATE_EL0T;
  frame.pstate = from.pstate & (valid ? kFlags | kSingleStep | kSpeculation | kTiming : kFlags);
  return valid;
}

}  // namespace kernel::arch
