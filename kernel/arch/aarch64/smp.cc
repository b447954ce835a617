// SPDX-License-Identifier: MIT
// Starting secondary CPUs (PSCI, DEN 0022 5.6; spin-table, Devicetree Specification 0.4, 3.8).
// Their data is in one table, keyed by MPIDR, which head.S searches: both methods take the same
// way.

#include "arch/smp.h"

#include "arch/mmu.h"
#include "arch_impl/early_map.h"
#include "arch_impl/frame_offsets.h"
#include "lib/check.h"
#include "mm/kernel_map.h"
#include "psci.h"

extern "C" {
extern const char secondary_entry[];
}

namespace kernel::arch {
namespace {

struct SecondaryStart {
  uint64_t hardware_id;
  uint64_t stack_top;
  uint64_t per_cpu_offset;
  ThreadBase* idle;
  uint64_t cpu;
};
static_assert(offsetof(SecondaryStart, hardware_id) == START_HARDWARE_ID);
static_assert(offsetof(SecondaryStart, stack_top) == START_STACK_TOP);
static_assert(offsetof(SecondaryStart, per_cpu_offset) == START_PER_CPU_OFFSET);
static_assert(offsetof(SecondaryStart, idle) == START_IDLE);
static_assert(offsetof(SecondaryStart, cpu) == START_CPU);
static_assert(sizeof(SecondaryStart) == START_SIZE);

template <class T>
void clean_object(const T& object) {
  clean_data_cache(VirtAddr{reinterpret_cast<uint64_t>(&object)}, sizeof object);
}

PhysAddr entry_point() {
  return physical_address(VirtAddr{reinterpret_cast<uint64_t>(secondary_entry)});
}

// The word is memory that the firmware polls, outside what we may allocate, perhaps not even RAM
// that the linear map holds.
Result<> release_through_table(PhysAddr release_address) {
  if (raw(release_address) == 0) return Errno::NoDev;
  Mmio word = TRY(Mmio::map(release_address, sizeof(uint64_t)));
  word.write<uint64_t>(0, raw(entry_point()));
  asm volatile("dsb sy\n\tsev" ::: "memory");
  return {};
}

}  // namespace

// Empty entries have no per-CPU area: head.S passes over them.
extern "C" {
constinit SecondaryStart secondary_starts[kMaxCpus] = {};
}
static_assert(kMaxCpus == START_COUNT);

Result<> start_cpu(const CpuStart& start, EnableMethod method, PhysAddr release_address) {
  CHECK(start.cpu > 0 && start.cpu < kMaxCpus);
  secondary_starts[start.cpu] = {.hardware_id = start.hardware_id,
                                 .stack_top = raw(start.idle->stack_top),
                                 .per_cpu_offset = start.per_cpu_offset,
                                 .idle = start.idle,
                                 .cpu = start.cpu};
  // What it reads with its MMU off must be in memory; the rest it reads through caches, after this.
  clean_object(secondary_starts[start.cpu]);
  clean_object(identity_root);
  clean_object(kernel_root);
  clean_object(image_offset);
  if (method == EnableMethod::SpinTable) return release_through_table(release_address);
  switch (psci_cpu_on(start.hardware_id, entry_point())) {
    case 0:
      return {};
    case kPsciNotSupported:
      return Errno::OpNotSupp;
    case kPsciInvalidParameters:
      return Errno::Inval;
    case kPsciAlreadyOn:
      return Errno::Busy;
    default:
      return Errno::Io;
  }
}

}  // namespace kernel::arch
