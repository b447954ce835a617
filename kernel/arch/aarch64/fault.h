// SPDX-License-Identifier: MIT
// The exception syndrome, decoded (Arm ARM D19.2.37, ESR_EL1): pure functions of bits that the host
// tests (EX3: every class goes to the right handler).
#pragma once

#include "arch/entry.h"

namespace kernel::arch {

// ESR_EL1.EC.
enum class ExceptionClass : uint8_t {
  Unknown = 0x00,
  WfxTrap = 0x01,
  FloatingPointAccess = 0x07,
  PointerAuthentication = 0x09,
  BranchTarget = 0x0d,
  IllegalState = 0x0e,
  Svc32 = 0x11,
  Svc64 = 0x15,
  SystemRegister = 0x18,
  Sve = 0x19,
  PointerAuthenticationFailure = 0x1c,
  Sme = 0x1d,
  InstructionAbortUser = 0x20,
  InstructionAbortKernel = 0x21,
  PcAlignment = 0x22,
  DataAbortUser = 0x24,
  DataAbortKernel = 0x25,
  SpAlignment = 0x26,
  MemoryOperation = 0x27,
  FloatingPoint32 = 0x28,
  FloatingPoint64 = 0x2c,
  SError = 0x2f,
  BreakpointUser = 0x30,
  BreakpointKernel = 0x31,
  StepUser = 0x32,
  StepKernel = 0x33,
  WatchpointUser = 0x34,
  WatchpointKernel = 0x35,
  Bkpt32 = 0x38,
  Brk64 = 0x3c,
};

constexpr ExceptionClass exception_class(uint64_t syndrome) {
  return static_cast<ExceptionClass>(field(syndrome, 26, 6));
}

// Where an exception of user mode goes.
enum class UserRoute : uint8_t { Memory, Trap, SystemRegister, Syscall };
struct UserDecode {
  UserRoute route;
  UserTrap trap;
};

constexpr UserDecode decode_user(uint64_t syndrome) {
  switch (exception_class(syndrome)) {
    case ExceptionClass::Svc64:
      return {UserRoute::Syscall, UserTrap::Other};
    case ExceptionClass::InstructionAbortUser:
    case ExceptionClass::DataAbortUser:
      return {UserRoute::Memory, UserTrap::Other};
    case ExceptionClass::SystemRegister:
    case ExceptionClass::WfxTrap:
      return {UserRoute::SystemRegister, UserTrap::SystemRegister};
    case ExceptionClass::PcAlignment:
      return {UserRoute::Trap, UserTrap::PcAlignment};
    case ExceptionClass::SpAlignment:
      return {UserRoute::Trap, UserTrap::SpAlignment};
    case ExceptionClass::FloatingPoint32:
    case ExceptionClass::FloatingPoint64:
      return {UserRoute::Trap, UserTrap::FloatingPoint};
    case ExceptionClass::BreakpointUser:
    case ExceptionClass::Brk64:
    case ExceptionClass::Bkpt32:
      return {UserRoute::Trap, UserTrap::Breakpoint};
    case ExceptionClass::StepUser:
      return {UserRoute::Trap, UserTrap::SingleStep};
    case ExceptionClass::WatchpointUser:
      return {UserRoute::Trap, UserTrap::Watchpoint};
    case ExceptionClass::IllegalState:
      return {UserRoute::Trap, UserTrap::IllegalState};
    case ExceptionClass::Unknown:
    case ExceptionClass::FloatingPointAccess:
    case ExceptionClass::PointerAuthentication:
    case ExceptionClass::PointerAuthenticationFailure:
    case ExceptionClass::BranchTarget:
    case ExceptionClass::Sve:
    case ExceptionClass::Sme:
    case ExceptionClass::MemoryOperation:
      return {UserRoute::Trap, UserTrap::UndefinedInstruction};
    default:
      return {UserRoute::Trap, UserTrap::Other};
  }
}

constexpr bool is_memory_abort(uint64_t syndrome) {
  auto ec = exception_class(syndrome);
  return ec == ExceptionClass::InstructionAbortUser ||
         ec == ExceptionClass::InstructionAbortKernel || ec == ExceptionClass::DataAbortUser ||
         ec == ExceptionClass::DataAbortKernel;
}

// DFSC/IFSC, bits 5:0 of the syndrome.
constexpr FaultKind fault_kind(uint64_t syndrome) {
  switch (field(syndrome, 0, 6)) {
    case 0x00: case 0x01: case 0x02: case 0x03:
      return FaultKind::AddressSize;
    case 0x04: case 0x05: case 0x06: case 0x07:  // translation
    case 0x08: case 0x09: case 0x0a: case 0x0b:  // access flag
      return FaultKind::NotMapped;
    case 0x0c: case 0x0d: case 0x0e: case 0x0f:
      return FaultKind::Permission;
    case 0x21:
      return FaultKind::Alignment;
    default:
      return FaultKind::External;
  }
}

constexpr Access fault_access(uint64_t syndrome) {
  auto ec = exception_class(syndrome);
  if (ec == ExceptionClass::InstructionAbortUser || ec == ExceptionClass::InstructionAbortKernel)
    return Access::Execute;
  // WnR; a cache maintenance instruction reports a write but needs only read permission.
  bool write = field(syndrome, 6, 1) != 0;
  bool cache_maintenance = field(syndrome, 8, 1) != 0;
  return write && !cache_maintenance ? Access::Write : Access::Read;
}

// Without its tag byte. Bit 55 tells the halves apart: a kernel address keeps its ones.
constexpr uint64_t untagged(uint64_t address) {
  return field(address, 55, 1) != 0 ? address : address & 0x00ff'ffff'ffff'ffff;
}

constexpr MemoryFault decode_memory_fault(uint64_t syndrome, uint64_t address) {
  return {.address = UserAddr{untagged(address)},
          .raw_address = address,
          .access = fault_access(syndrome),
          .kind = fault_kind(syndrome),
          .syndrome = syndrome};
}

}  // namespace kernel::arch
