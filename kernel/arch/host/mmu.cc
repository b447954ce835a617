// SPDX-License-Identifier: MIT
// Physical memory and translation control of the build machine: see arch_impl/mmu.h.

#include "arch/mmu.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "mm/frames.h"

namespace kernel::arch {
namespace {

std::atomic<uint64_t> flushes;

uint64_t map_physical_memory() {
  void* base = mmap(nullptr, host::kPhysicalSize, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) std::abort();
  return reinterpret_cast<uint64_t>(base);
}

}  // namespace

uint64_t host::physical_base() {
  static const uint64_t base = map_physical_memory();
  return base;
}
uint64_t host::tlb_flushes() { return flushes.load(); }

unsigned asid_bits() { return 16; }

PhysAddr kernel_root_table() {
  static const PhysAddr root =
      frames::allocate(0, FrameUse::PageTable, AllocationFlags::Zero).take();
  return root;
}

void set_user_table(PhysAddr, Asid) {}
void flush_tlb_page(UserAddr, Asid, TlbReach) { ++flushes; }
void flush_tlb_range(UserRange, Asid, TlbReach) { ++flushes; }
void flush_tlb_leaf_range(UserRange, Asid, TlbReach) { ++flushes; }
void flush_tlb_asid(Asid, TlbReach) { ++flushes; }
void flush_tlb_kernel(VirtRange) { ++flushes; }
void flush_tlb_all(TlbReach) { ++flushes; }
void page_table_fence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

void sync_instruction_cache(VirtAddr, size_t) {}
void clean_data_cache(VirtAddr, size_t) {}
void invalidate_data_cache(VirtAddr, size_t) {}
void zero_page(VirtAddr page) { std::memset(reinterpret_cast<void*>(raw(page)), 0, kPageSize); }
void copy_page(VirtAddr to, VirtAddr from) {
  std::memcpy(reinterpret_cast<void*>(raw(to)), reinterpret_cast<const void*>(raw(from)),
              kPageSize);
}

}  // namespace kernel::arch
