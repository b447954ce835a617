// SPDX-License-Identifier: MIT
// See arch/backtrace.h. Frame records are pairs (x29 of the caller, return address), AAPCS64 6.4.6.

#include "arch/backtrace.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch_impl/early_map.h"
#include "lib/log.h"

namespace kernel::arch {
namespace {

// Readable without a fault: asks the MMU.
bool is_readable(uint64_t address) {
  if (address % 8 != 0 || address < kLinearMapBase) return false;
  asm volatile("at s1e1r, %0\n\tisb" ::"r"(address) : "memory");
  return (READ_SYSREG(par_el1) & 1) == 0;
}

}  // namespace

void log_registers(const TrapFrame& frame) {
  for (size_t i = 0; i < 28; i += 4) {
    log(LogLevel::Emerg, "x{:-2} {:016x} x{:-2} {:016x} x{:-2} {:016x} x{:-2} {:016x}", i,
        frame.x[i], i + 1, frame.x[i + 1], i + 2, frame.x[i + 2], i + 3, frame.x[i + 3]);
  }
  log(LogLevel::Emerg, "x28 {:016x} x29 {:016x} x30 {:016x} sp  {:016x}", frame.x[28], frame.x[29],
      frame.x[30], frame.sp);
  log(LogLevel::Emerg, "pc  {:016x} pstate {:x}", frame.pc, frame.pstate);
}

void walk_stack(const TrapFrame* from, size_t limit, VisitFrame visit, void* argument) {
  uint64_t record;
  if (from != nullptr) {
    visit(argument, from->pc);
    if (from_user(*from)) return;
    // A leaf function has made no record yet: its caller is in x30.
    if (is_kernel_text(from->x[30])) visit(argument, from->x[30]);
    record = from->x[29];
  } else {
    record = reinterpret_cast<uint64_t>(__builtin_frame_address(0));
  }
  for (size_t i = 0; i < limit && is_readable(record) && is_readable(record + 8); ++i) {
    auto* pair = reinterpret_cast<const uint64_t*>(record);
    if (pair[1] == 0) return;
    visit(argument, pair[1]);
    record = pair[0];
  }
}

uint64_t link_address(uint64_t address) {
  return address >= kImageBase ? address - (reinterpret_cast<uint64_t>(_image_start) - kImageBase)
                               : address;
}

bool is_kernel_text(uint64_t address) {
  return address >= reinterpret_cast<uint64_t>(_image_start) &&
         address < reinterpret_cast<uint64_t>(_text_end);
}

}  // namespace kernel::arch
