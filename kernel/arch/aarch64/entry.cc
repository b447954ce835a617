// SPDX-License-Identifier: MIT
// What the vectors call: decides what an exception means and hands it up (arch/entry.h). A fault of
// user mode always ends in vm or process; one of the kernel is either a user copy's or a panic.

#include "arch/entry.h"

#include "arch/cpu.h"
#include "arch/irq_state.h"
#include "arch/mmu.h"
#include "arch_impl/exception_table.h"
#include "emulation.h"
#include "fault.h"
#include "lib/check.h"

namespace kernel::arch {
namespace {

// What goes into si_addr: the address accessed, a misaligned SP, else the instruction.
uint64_t trap_value(UserTrap trap, const TrapFrame& frame, uint64_t fault_address) {
  switch (trap) {
    case UserTrap::Watchpoint:
    case UserTrap::PcAlignment:
      return fault_address;
    case UserTrap::SpAlignment:
      return frame.sp;
    default:
      return frame.pc;
  }
}

void on_user_sync(TrapFrame& frame, uint64_t syndrome, uint64_t fault_address) {
  UserDecode decoded = decode_user(syndrome);
  end_syscall(frame);
  enable_interrupts();
  switch (decoded.route) {
    case UserRoute::Memory: {
      MemoryFault fault = decode_memory_fault(syndrome, fault_address);
      handle_user_memory_fault(frame, fault);
      return;
    }
    case UserRoute::SystemRegister:
      if (emulate_system_register(frame, syndrome)) return;
      handle_user_trap(frame, UserTrap::UndefinedInstruction, syndrome, frame.pc);
      return;
    case UserRoute::Trap:
      if (exception_class(syndrome) == ExceptionClass::Unknown && emulate_undefined(frame)) return;
      handle_user_trap(frame, decoded.trap, syndrome,
                       trap_value(decoded.trap, frame, fault_address));
      return;
    case UserRoute::Syscall:
      break;  // the vector has taken it
  }
  panic("system call in on_sync");
}

// A kernel access to user memory inside a user copy: resolve the fault when the copy may sleep,
// else end the copy at its fixup.
bool resolve_user_copy(TrapFrame& frame, uint64_t syndrome, uint64_t fault_address) {
  uint64_t fixup = find_fixup(frame.pc);
  if (fixup == 0) return false;
  bool may_sleep = current_thread()->preempt_count == 0 && (frame.pstate & PSTATE_I) == 0;
  bool user_address =
      fault_kind(syndrome) != FaultKind::AddressSize && untagged(fault_address) < raw(kUserLimit);
  if (may_sleep && user_address) {
    enable_interrupts();
    bool resolved = handle_user_memory_fault(frame, decode_memory_fault(syndrome, fault_address));
    disable_interrupts();
    if (resolved) return true;
  }
  frame.pc = fixup;
  return true;
}

const char* class_name(uint64_t syndrome) {
  switch (exception_class(syndrome)) {
    case ExceptionClass::DataAbortKernel:
      return fault_access(syndrome) == Access::Write ? "bad write in the kernel"
                                                     : "bad read in the kernel";
    case ExceptionClass::InstructionAbortKernel:
      return "bad jump in the kernel";
    case ExceptionClass::Brk64:
      return "trap instruction in the kernel";
    case ExceptionClass::Unknown:
      return "undefined instruction in the kernel";
    case ExceptionClass::PcAlignment:
    case ExceptionClass::SpAlignment:
      return "misaligned PC or SP in the kernel";
    default:
      return "exception in the kernel";
  }
}

}  // namespace

extern "C" void on_sync(TrapFrame& frame, uint64_t syndrome, uint64_t fault_address) {
  if (from_user(frame)) return on_user_sync(frame, syndrome, fault_address);
  if (is_memory_abort(syndrome) && fault_access(syndrome) != Access::Execute &&
      resolve_user_copy(frame, syndrome, fault_address))
    return;
  handle_kernel_exception(frame, class_name(syndrome), syndrome, fault_address);
}

extern "C" void on_irq(TrapFrame& frame) {
  ThreadBase* thread = current_thread();
  thread->preempt_count = thread->preempt_count + 1;
  if (from_user(frame)) end_syscall(frame);
  handle_interrupt(frame);
  thread->preempt_count = thread->preempt_count - 1;
  if (!from_user(frame) && thread->preempt_count == 0 &&
      (thread->work.load_relaxed() & kWorkReschedule) != 0)
    preempt_from_interrupt();
}

extern "C" void on_serror(TrapFrame& frame, uint64_t syndrome) {
  // An asynchronous external abort cannot be blamed on one access: what it hit is unknown.
  handle_kernel_exception(frame, "SError", syndrome, 0);
}

extern "C" void on_stack_overflow(TrapFrame& frame, uint64_t syndrome, uint64_t fault_address) {
  handle_kernel_exception(frame, "kernel stack overflow", syndrome, fault_address);
}

extern "C" void on_unexpected(TrapFrame& frame, uint64_t vector, uint64_t syndrome) {
  static constexpr const char* kNames[16] = {
      "sync with SP_EL0", "IRQ with SP_EL0", "FIQ with SP_EL0", "SError with SP_EL0",
      "sync", "IRQ", "FIQ", "SError",
      "user sync", "user IRQ", "user FIQ", "user SError",
      "sync from AArch32", "IRQ from AArch32", "FIQ from AArch32", "SError from AArch32"};
  handle_kernel_exception(frame, kNames[vector & 15], syndrome, 0);
}

}  // namespace kernel::arch
