// SPDX-License-Identifier: MIT
// See allocation_report.h.

#include "boot/allocation_report.h"

#include "arch/backtrace.h"
#include "boot/symbols.h"
#include "lib/log.h"
#include "mm/allocation_failure.h"
#include "sched/thread.h"

namespace kernel {

#ifdef SAMARA_DEBUG
namespace {

void log_frame(void*, uint64_t address) {
  Symbol symbol = find_symbol(arch::link_address(address));
  log(LogLevel::Debug, "  {}+0x{:x}", symbol.name.empty() ? "?" : symbol.name, symbol.offset);
}

void report() {
  constexpr size_t kFrames = 16;
  Thread& thread = current();
  log(LogLevel::Debug, "allocation failure injected: {}", thread.name());
  arch::walk_stack(nullptr, kFrames, log_frame, nullptr);
}

}  // namespace

void report_allocation_failures() { allocation_failure::set_reporter(report); }
#else
void report_allocation_failures() {}
#endif

}  // namespace kernel
