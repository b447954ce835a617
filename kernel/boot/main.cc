// SPDX-License-Identifier: MIT
// kernel_main: where C++ begins, on the boot CPU, MMU on, high half, interrupts masked. The order
// of everything, one line of why each. What may sleep is done by boot_thread_main, the first
// thread.

#include "arch/cpu.h"
#include "arch/early.h"
#include "arch/entry.h"
#include "arch/features.h"
#include "arch/irq_state.h"
#include "arch/mmu.h"
#include "arch/smp.h"
#include "arch/timer.h"
#include "boot/ktest_run.h"
#include "boot/memory_scan.h"
#include "boot/panic.h"
#include "boot/power.h"
#include "boot/random_seed.h"
#include "boot/services.h"
#include "boot/smp_boot.h"
#include "boot/user_space.h"
#include "dev/device_tree.h"
#include "dev/driver.h"
#include "dev/early_console.h"
#include "display/text_console.h"
#include "lib/check.h"
#include "lib/command_line.h"
#include "lib/log.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"
#include "sched/clock.h"
#include "sched/rcu_thread.h"
#include "sched/scheduler.h"
#include "sync/per_cpu.h"
#include "vm/address_space.h"

namespace kernel {
namespace {

constinit memory_scan::Memory memory;

// The tree is in the linear map from the first instruction on; without it there is nothing to say
// and nowhere to say it.
PhysRange open_device_tree(PhysAddr address) {
  auto* blob = reinterpret_cast<const uint8_t*>(raw(arch::linear_address(address)));
  CHECK(device_tree::init(blob).ok());
  uint64_t size =
      uint64_t{blob[4]} << 24 | uint64_t{blob[5]} << 16 | uint64_t{blob[6]} << 8 | blob[7];
  return {address, address + size};
}

void log_machine() {
  log_info("samara: started at EL{}, image at 0x{:x}", arch::boot_exception_level(),
           arch::image_range().start);
  log_info("kaslr: slide 0x{:x}", arch::image_slide());
  log_info("machine: {}", device_tree::root().string("model").value_or(
                              device_tree::root().string("compatible").value_or("unknown")));
  log_info("cpu: {}, MPIDR 0x{:x}, counter {} Hz", arch::processor_name(), arch::hardware_id(),
           arch::counter_frequency());
  log_info("command line: {}", command_line::text());
}

void read_log_options() {
  if (std::optional<uint64_t> level = command_line::number("loglevel"); level && *level <= 8) {
    log_set_console_level(static_cast<LogLevel>(*level == 0 ? 0 : *level - 1));
  } else if (command_line::has("quiet")) {
    log_set_console_level(LogLevel::Err);
  } else if (!command_line::has("debug") && !command_line::has("ignore_loglevel")) {
    log_set_console_level(LogLevel::Info);
  }
  if (std::optional<StringView> text = command_line::value("panic")) {
    bool negative = text->starts_with("-");
    int64_t seconds = static_cast<int64_t>(text->substr(negative ? 1 : 0).to_number().value_or(0));
    set_panic_timeout(negative ? -seconds : seconds);
  }
}

// The first thread: everything that may sleep or wait for interrupts.
void boot_thread_main(void*) {
  CHECK(sched::start_rcu_thread().ok());
  CHECK(start_threads().ok());
  // CPUs before devices: device threads find their CPU at once.
  start_secondary_cpus(static_cast<unsigned>(
      command_line::has("nosmp") ? 1 : command_line::number("maxcpus").value_or(kMaxCpus)));
  if (!display::init().ok()) log_error("display: not started");
  // Buses, then what is on them.
  drivers::probe(Stage::Bus);
  drivers::probe(Stage::Device);
  drivers::list_unmatched();
  if (std::optional<StringView> pattern = command_line::value("test")) run_kernel_tests(*pattern);
  start_user_space(memory.initrd);
}

}  // namespace

void kernel_main(PhysAddr device_tree_address) {
  // Registers of this CPU, as every CPU has them.
  arch::cpu_init();
  arch::init_boot_emergency_stack();
  per_cpu_init();
  // A console first: from here on failures can be seen.
  PhysRange tree = open_device_tree(device_tree_address);
  find_power_interface();
  start_early_console();
  command_line::init(device_tree::boot_arguments());
  read_log_options();
  log_machine();
  // All memory, with final permissions, before anything allocates or a second CPU runs.
  memory_scan::scan(memory, tree, command_line::size("mem").value_or(0));
  arch::build_kernel_map(memory.ram.ranges());
  log_info("memory: {} MiB, {} KiB reserved", memory.ram.total() / MiB,
           memory.reserved.total() / KiB);
  frames::init(memory.ram.ranges(), memory.reserved.ranges());
  heap::init();
  kernel_map::init();
  take_random_seed();
  // Time, then threads; this one becomes CPU 0's idle thread.
  clock::init();
  log_set_clock(clock::monotonic);
  sched::init();
  AddressSpace::init();
  // Interrupts need their controller, sleeping needs the timer.
  drivers::probe(Stage::Irqchip);
  drivers::probe(Stage::Timer);
  set_panic_stop(sched::stop_others);
  Result<Ref<Thread>> thread = Thread::create_kernel("boot", boot_thread_main, nullptr);
  CHECK(thread.ok());
  (*thread)->start();
  arch::enable_interrupts();
  sched::run_idle();
}

}  // namespace kernel
