// SPDX-License-Identifier: MIT
// CPUs of the build machine: see arch_impl/cpu.h. A host thread that first asks who it is becomes a
// CPU with per-CPU data and a ThreadBase of its own; at its end the number is free again.

#include "arch/cpu.h"

#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <cstdlib>
#include <mutex>

#include "arch/irq_state.h"
#include "arch/timer.h"
#include "lib/check.h"
#include "sync/per_cpu.h"
#include "sync/rcu.h"

extern "C" {
extern uint8_t _percpu_start[];
}

namespace kernel {
// Tests of what lies below the scheduler do without it.
[[gnu::weak]] void preempt_schedule() {}
[[gnu::weak]] ThreadBase* arch::host::make_thread(ThreadBase& plain) { return &plain; }
}  // namespace kernel

namespace kernel::arch {
namespace {

std::mutex attach_mutex;
bool number_used[kMaxCpus];
unsigned installed = 0;

uint64_t install_area(unsigned cpu) {
  size_t size = align_up(per_cpu_area_size(), kPageSize);
  void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) std::abort();
  auto area = reinterpret_cast<uint64_t>(pages);
  ++installed;
  if (cpu != 0) {
    per_cpu_install(cpu, VirtAddr{area});
    return per_cpu_offsets[cpu];
  }
  __builtin_memcpy(reinterpret_cast<void*>(area), _percpu_start, per_cpu_area_size());
  return area - reinterpret_cast<uint64_t>(_percpu_start);
}

struct HostCpu {
  ThreadBase own_thread;
  ThreadBase* thread = &own_thread;
  uint64_t offset = 0;
  unsigned number = 0;
  bool masked = false;

  HostCpu();
  ~HostCpu();
};
thread_local HostCpu host_cpu;

HostCpu::HostCpu() {
  std::lock_guard guard(attach_mutex);
  while (number_used[number]) ++number;
  number_used[number] = true;
  bool is_new = number == installed;
  offset = is_new ? install_area(number) : per_cpu_offsets[number];
  if (number == 0 && is_new) per_cpu_offsets[0] = offset;
  thread = host::make_thread(own_thread);
}

HostCpu::~HostCpu() {
  std::lock_guard guard(attach_mutex);
  number_used[number] = false;
}

}  // namespace

unsigned host::attached_cpus() {
  std::lock_guard guard(attach_mutex);
  return installed;
}

ThreadBase* current_thread() { return host_cpu.thread; }
void set_current_thread(ThreadBase* thread) { host_cpu.thread = thread; }
uint64_t per_cpu_offset() { return host_cpu.offset; }
void set_per_cpu_offset(uint64_t offset) { host_cpu.offset = offset; }

void wait_for_interrupt() {}
void spin_hint() { sched_yield(); }
bool hardware_random(uint64_t&) { return false; }

IrqState disable_interrupts() {
  IrqState before{host_cpu.masked ? uint64_t{1} : uint64_t{0}};
  host_cpu.masked = true;
  return before;
}
void restore_interrupts(IrqState state) { host_cpu.masked = state != IrqState{}; }
void enable_interrupts() { host_cpu.masked = false; }
bool interrupts_enabled() { return !host_cpu.masked; }

uint64_t counter() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNanosPerSecond + static_cast<uint64_t>(now.tv_nsec);
}
uint64_t counter_frequency() { return kNanosPerSecond; }

}  // namespace kernel::arch
