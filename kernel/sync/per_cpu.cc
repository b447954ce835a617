// SPDX-License-Identifier: MIT
// See per_cpu.h. The linker gathers every PER_CPU variable between _percpu_start and _percpu_end:
// the template, which nobody writes. arch gives the boot CPU its copy before any C++ runs.

#include "sync/per_cpu.h"

#include "sync/rcu.h"

extern "C" {
extern uint8_t _percpu_start[];
extern uint8_t _percpu_end[];
}

namespace kernel {

constinit uint64_t per_cpu_offsets[kMaxCpus] = {};

namespace {

PER_CPU(unsigned, cpu_number);

constinit Atomic<uint32_t> areas{1};

}  // namespace

unsigned this_cpu() { return cpu_number.mine(); }

unsigned per_cpu_count() { return areas.load_acquire(); }

size_t per_cpu_area_size() {
  // Through integers: to the language these are two unrelated objects.
  return reinterpret_cast<uint64_t>(_percpu_end) - reinterpret_cast<uint64_t>(_percpu_start);
}

void per_cpu_init() { per_cpu_offsets[0] = arch::per_cpu_offset(); }

void per_cpu_install(unsigned cpu, VirtAddr area) {
  CHECK(cpu == per_cpu_count() && cpu < kMaxCpus && is_aligned(area, 128));
  __builtin_memcpy(reinterpret_cast<void*>(raw(area)), _percpu_start, per_cpu_area_size());
  per_cpu_offsets[cpu] = raw(area) - reinterpret_cast<uint64_t>(_percpu_start);
  cpu_number.on(cpu) = cpu;
  rcu::mark_offline(cpu);
  areas.store_release(cpu + 1);
}

}  // namespace kernel
