// SPDX-License-Identifier: MIT
// What a signal handler finds on its stack, as Linux lays it out for this machine (sigreturn(2)):
// pure conversions between registers and bytes; process/signal_frame.cc moves the bytes and does
// the rest. Contract; the bodies are arch_impl/signal_frame.h.
#pragma once

#include "arch/context.h"
#include "arch/trap_frame.h"

namespace kernel::arch {

struct SignalFrame;        // siginfo, ucontext and the used part of the register records; see below
struct FloatingPointRecord;  // one of those
struct SignalFrameRecord;  // above it: caller's frame pointer and return address, for backtraces

// Fills the machine part: registers, the running thread's floating point, fault. Returns the bytes
// of `to` in use.
size_t save_signal_registers(SignalFrame& to, const TrapFrame& frame, uint64_t fault_address,
                             uint64_t fault_syndrome);
SignalFrameRecord make_frame_record(const TrapFrame& frame);

// Points the frame at the handler: handler(signal, &info, &ucontext) on the new stack.
struct HandlerEntry {
  uint64_t handler;
  uint64_t restorer;       // return address
  uint64_t signal_frame;   // user address
  uint64_t frame_record;   // user address
  uint32_t signal;
  bool wants_info;
};
void enter_signal_handler(TrapFrame& frame, const HandlerEntry& entry);

// rt_sigreturn: the general registers. False when user mode may not have them; `frame` is safe
// anyhow.
bool restore_signal_registers(TrapFrame& frame, const SignalFrame& from);
// The same for the running thread's floating point.
void restore_signal_vectors(const FloatingPointRecord& from);

}  // namespace kernel::arch

#include "arch_impl/signal_frame.h"
