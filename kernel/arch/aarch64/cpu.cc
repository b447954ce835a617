// SPDX-License-Identifier: MIT
// Per-CPU machine state: one cpu_init() for the boot CPU and the secondaries (KB16), and the boot
// CPU's first stack and thread, which exist before any allocator does.

#include "arch/smp.h"

#include "arch/cpu.h"
#include "arch/features.h"
#include "arch/mmu.h"
#include "arch/timer.h"
#include "arch_impl/early_map.h"
#include "arch_impl/frame_offsets.h"
#include "arch_impl/registers.h"
#include "lib/types.h"
#include "sync/per_cpu.h"

namespace kernel::arch {

static_assert(offsetof(ThreadBase, preempt_count) == THREAD_PREEMPT_COUNT);
static_assert(offsetof(ThreadBase, work) == THREAD_WORK);
static_assert(offsetof(ThreadBase, stack_top) == THREAD_STACK_TOP);
static_assert(offsetof(ThreadBase, stack_bottom) == THREAD_STACK_BOTTOM);

// A stack is the lower half of an aligned block of twice its size; see the overflow test in
// vectors.S.
extern "C" {
alignas(2 * STACK_SIZE) constinit uint8_t boot_stack[STACK_SIZE]
    __attribute__((section(".bss.aligned")));
constinit ThreadBase boot_thread;
// Where this CPU goes when its kernel stack has run over.
constinit uint64_t emergency_stack_top __attribute__((section(".percpu"))) = 0;
// For user_copy.S: whether every CPU has PAN (all of a machine do, or none).
constinit uint64_t cpu_has_pan = 0;
}

namespace {

constexpr size_t kEmergencyStackSize = 4 * KiB;
alignas(16) constinit uint8_t boot_emergency_stack[kEmergencyStackSize];

constexpr uint64_t kCpacrFloatingPoint = 3 << 20;  // FPEN: no traps; SVE and SME trap
constexpr uint64_t kMdscrTdcc = 1 << 12;           // the debug channel traps from user mode
constexpr uint64_t kCntkctlVirtualCounter = 1 << 1;  // EL0VCTEN
constexpr uint64_t kCntkctlEventEnable = 1 << 2;     // EVNTEN
constexpr unsigned kEventStreamHz = 10'000;

// The event stream wakes WFE of spinning programs ten thousand times a second (HWCAP_EVTSTRM): an
// event on each rise of one bit of the counter.
uint64_t event_stream_bits() {
  uint64_t divider = counter_frequency() / kEventStreamHz;
  uint64_t position = divider < 4 ? 0 : 62 - static_cast<uint64_t>(__builtin_clzll(divider));
  return kCntkctlEventEnable | (position < 15 ? position : 15) << 4;
}

bool detect_pan() { return field(READ_SYSREG(ID_AA64MMFR1_EL1), 20) != 0; }
bool has_activity_monitors() { return field(READ_SYSREG(ID_AA64PFR0_EL1), 44) != 0; }
bool has_performance_monitors() {
  uint64_t version = field(READ_SYSREG(ID_AA64DFR0_EL1), 8);
  return version != 0 && version != 0xf;
}

}  // namespace

void cpu_init() {
  WRITE_SYSREG(cpacr_el1, kCpacrFloatingPoint);
  WRITE_SYSREG(mdscr_el1, kMdscrTdcc);
  WRITE_SYSREG(contextidr_el1, 0);
  WRITE_SYSREG(tpidr_el0, 0);
  WRITE_SYSREG(tpidrro_el0, 0);
  // User mode reads the virtual counter, nothing else of the timer: as on Linux.
  WRITE_SYSREG(cntkctl_el1, kCntkctlVirtualCounter | event_stream_bits());
  if (has_performance_monitors()) WRITE_SYSREG(pmuserenr_el0, 0);
  if (has_activity_monitors()) WRITE_SYSREG(S3_3_C13_C2_3, 0);  // AMUSERENR_EL0
  // msr pan, #1, spelled so that an Armv8.0 assembler takes it.
  cpu_has_pan = detect_pan() ? 1 : 0;
  if (cpu_has_pan != 0) asm volatile(".inst 0xd500419f" ::: "memory");
  instruction_barrier();
  detect_features();
  clear_user_table();
}

void set_emergency_stack(VirtAddr top, uint64_t per_cpu_offset) {
  *reinterpret_cast<uint64_t*>(reinterpret_cast<uint64_t>(&emergency_stack_top) + per_cpu_offset) =
      raw(top);
}

void init_boot_emergency_stack() {
  set_emergency_stack(
      VirtAddr{reinterpret_cast<uint64_t>(boot_emergency_stack) + kEmergencyStackSize},
      per_cpu_offset());
}

void clear_user_table() {
  alignas(kPageSize) static constinit uint64_t empty[512] __attribute__((section(".bss.aligned")));
  set_user_table(physical_address(VirtAddr{reinterpret_cast<uint64_t>(empty)}), 0);
  asm volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}

PhysAddr kernel_root_table() { return kernel_root; }

void halt() {
  asm volatile("msr daifset, #0xf");
  for (;;) asm volatile("wfi");
}

}  // namespace kernel::arch
