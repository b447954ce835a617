// SPDX-License-Identifier: MIT
// The only upward calls: what the entry code of arch calls, defined by the layers above.
#pragma once

#include "arch/trap_frame.h"

namespace kernel::arch {

// What a user or kernel access did wrong, decoded from the syndrome.
enum class Access : uint8_t { Read, Write, Execute };
enum class FaultKind : uint8_t {
  NotMapped,      // translation or access-flag fault
  Permission,     // present, but not for this access
  Alignment,
  External,       // bus error
  AddressSize,
};
struct MemoryFault {
  UserAddr address;  // tag bits stripped
  uint64_t raw_address;
  Access access;
  FaultKind kind;
  uint64_t syndrome;  // ESR, for esr_context in the signal frame
};

// Exceptions of user mode that become signals.
enum class UserTrap : uint8_t {
  UndefinedInstruction, Breakpoint, SingleStep, Watchpoint, PcAlignment, SpAlignment,
  FloatingPoint, IllegalState, SystemRegister, Other,
};

}  // namespace kernel::arch

namespace kernel {

// vm: resolves a fault on a user address. From user mode, or from the kernel inside a user copy
// that may sleep. Interrupts on. False: the caller takes the fixup, or posts the signal through
// on_user_fault. `from_user` faults post their signal themselves.
bool handle_user_memory_fault(arch::TrapFrame& frame, const arch::MemoryFault& fault);
// process: a trap that becomes a signal. `value` is the faulting address or the syndrome-specific
// code.
void handle_user_trap(arch::TrapFrame& frame, arch::UserTrap trap, uint64_t syndrome,
                      uint64_t value);
// syscall: one system call of the running thread. Interrupts on. Called by the entry code directly.
extern "C" void handle_syscall(arch::TrapFrame& frame);
// dev: one interrupt. Interrupts masked.
void handle_interrupt(arch::TrapFrame& frame);
// sched: an interrupt returns to a preemptible kernel context that should be rescheduled. Masked.
void preempt_from_interrupt();
// process: work before user mode (ThreadWork bits): reschedule, signals, stops. Interrupts on,
// returns with them masked and no work left. Called by the entry code directly.
extern "C" void handle_user_return_work(arch::TrapFrame& frame);
// boot: an exception in the kernel that nothing repairs; prints the registers and ends in a panic.
[[noreturn]] void handle_kernel_exception(const arch::TrapFrame& frame, const char* what,
                                          uint64_t syndrome, uint64_t fault_address);
// boot: a secondary CPU arrives here on its idle stack after cpu_init().
extern "C" [[noreturn]] void secondary_cpu_main(unsigned cpu);
// boot: the boot CPU arrives here, MMU on, high half. `device_tree` is physical.
extern "C" [[noreturn]] void kernel_main(PhysAddr device_tree);

}  // namespace kernel
