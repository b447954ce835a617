// SPDX-License-Identifier: MIT
// Secondary CPUs: found in /cpus, started through their enable-method, one after the other. A CPU
// that does not arrive is left out with a line in the log; the boot goes on (BT17, SC5).

#include "boot/smp_boot.h"

#include "arch/cpu.h"
#include "arch/early.h"
#include "arch/entry.h"
#include "arch/smp.h"
#include "dev/device_tree.h"
#include "dev/interrupt.h"
#include "lib/log.h"
#include "mm/kernel_map.h"
#include "sched/scheduler.h"
#include "sched/timer.h"
#include "sync/per_cpu.h"

namespace kernel {
namespace {

constexpr Nanoseconds kArrivalLimit = kNanosPerSecond / 2;
constexpr Nanoseconds kArrivalPoll = 200'000;

struct CpuNode {
  uint64_t hardware_id;
  arch::EnableMethod method;
  PhysAddr release_address;
};

std::optional<CpuNode> read_cpu(DeviceNode node) {
  // The bus of /cpus has no ranges: reg is the MPIDR as it stands.
  std::optional<uint64_t> id = node.number("reg");
  std::optional<StringView> method = node.string("enable-method");
  if (!id) return std::nullopt;
  if (method == "psci"_sv) return CpuNode{*id, arch::EnableMethod::Psci, {}};
  if (method == "spin-table"_sv)
    return CpuNode{*id, arch::EnableMethod::SpinTable,
                   PhysAddr{node.number("cpu-release-addr").value_or(0)}};
  return std::nullopt;
}

Result<> start(unsigned cpu, const CpuNode& node) {
  VirtAddr area = TRY(kernel_map::allocate_pages(pages_for(per_cpu_area_size())));
  per_cpu_install(cpu, area);
  VirtAddr emergency = TRY(kernel_map::allocate_pages(1));
  arch::set_emergency_stack(emergency + kPageSize, per_cpu_offsets[cpu]);
  Ref<Thread> idle = TRY(sched::create_idle(cpu));
  arch::CpuStart start{.hardware_id = node.hardware_id,
                       .cpu = cpu,
                       .per_cpu_offset = per_cpu_offsets[cpu],
                       .idle = idle.get()};
  std::move(idle).leak();  // as long as its CPU
  return arch::start_cpu(start, node.method, node.release_address);
}

bool wait_for(unsigned cpu) {
  Deadline limit = Deadline::after(kArrivalLimit);
  while ((sched::online_cpus() & (CpuMask{1} << cpu)) == 0) {
    if (clock::monotonic() >= limit.at) return false;
    sched::sleep_until(Deadline::after(kArrivalPoll));
  }
  return true;
}

}  // namespace

void start_secondary_cpus(unsigned limit) {
  std::optional<DeviceNode> cpus = device_tree::find("/cpus");
  if (!cpus) return;
  unsigned next = 1;
  for (std::optional<DeviceNode> node = cpus->first_child(); node; node = node->next_sibling()) {
    if (node->string("device_type") != "cpu"_sv) continue;
    std::optional<CpuNode> cpu = read_cpu(*node);
    if (!cpu || cpu->hardware_id == arch::hardware_id()) continue;
    if (next >= limit || next >= kMaxCpus) break;
    // A number is used once, even if its CPU fails: it may still arrive, late.
    Result<> started = start(next, *cpu);
    if (!started.ok()) {
      log_warning("smp: {} does not start, error {}", node->name(), started.error());
    } else if (!wait_for(next)) {
      log_warning("smp: {} did not arrive", node->name());
    }
    if (per_cpu_count() == next) break;  // no memory for another one
    ++next;
  }
  log_info("smp: {} of {} CPUs online", sched::online_cpu_count(), next);
}

void secondary_cpu_main(unsigned cpu) {
  arch::cpu_init();
  interrupt_controller().init_this_cpu();
  timers::init_this_cpu();
  sched::set_online(cpu);
  log(LogLevel::Debug, "smp: CPU {} online, MPIDR {:x}", cpu, arch::hardware_id());
  sched::run_idle();
}

}  // namespace kernel
