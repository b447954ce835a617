// SPDX-License-Identifier: MIT
// Exceptions of user mode that are no memory faults become signals, with the codes that Linux gives
// (sigaction(2)). The handler, or the default action, runs on the way back to user mode.

#include "arch/entry.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

// The trapped-FP syndrome's flags (IOF, DZF, OFF, UFF, IXF), highest priority first as Linux looks.
int32_t floating_point_code(uint64_t syndrome) {
  constexpr uint64_t kFlagsValid = uint64_t{1} << 23;
  constexpr int32_t kDivide = 3, kOverflow = 4, kUnderflow = 5, kInexact = 6, kInvalid = 7,
                    kUnknown = 14;
  if ((syndrome & kFlagsValid) == 0) return kUnknown;
  if ((syndrome & 1) != 0) return kInvalid;
  if ((syndrome & 2) != 0) return kDivide;
  if ((syndrome & 4) != 0) return kOverflow;
  if ((syndrome & 8) != 0) return kUnderflow;
  if ((syndrome & 16) != 0) return kInexact;
  return kUnknown;
}

struct Translation {
  Signal signal;
  int32_t code;
  bool address_is_pc;
};

Translation translate(arch::UserTrap trap, uint64_t syndrome) {
  switch (trap) {
    case arch::UserTrap::Breakpoint: return {Signal::Trap, kTrapBrkpt, true};
    case arch::UserTrap::SingleStep: return {Signal::Trap, kTrapTrace, true};
    case arch::UserTrap::Watchpoint: return {Signal::Trap, kTrapHwBkpt, false};
    case arch::UserTrap::PcAlignment: return {Signal::Bus, kBusAdrAln, false};
    case arch::UserTrap::SpAlignment: return {Signal::Bus, kBusAdrAln, false};
    case arch::UserTrap::FloatingPoint: return {Signal::Fpe, floating_point_code(syndrome), true};
    default: return {Signal::Ill, kIllIllOpc, true};
  }
}

}  // namespace

void handle_user_trap(arch::TrapFrame& frame, arch::UserTrap trap, uint64_t syndrome,
                      uint64_t value) {
  Translation as = translate(trap, syndrome);
  Task& task = current_task();
  uint64_t address = as.address_is_pc ? raw(arch::program_counter(frame)) : value;
  // Linux keeps a syndrome only for what is reported through the memory-abort path.
  bool abort = trap == arch::UserTrap::PcAlignment || trap == arch::UserTrap::SpAlignment ||
               trap == arch::UserTrap::Watchpoint;
  task.fault_address = 0;
  task.fault_syndrome = abort ? syndrome : 0;
  force_signal(task, SignalInfo{.signal = as.signal, .code = as.code, .value = address});
}

}  // namespace kernel
