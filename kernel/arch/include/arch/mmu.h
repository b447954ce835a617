// SPDX-License-Identifier: MIT
// Translation control of the running machine: which user table is live, TLB and cache maintenance,
// and where the kernel's linear map lies. Contract; the bodies are arch_impl/mmu.h.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

inline constexpr uint64_t kLinearMapBase = 0xffff'0000'0000'0000;
inline constexpr uint64_t kKernelMapBase =
    0xffff'8000'0000'0000;  // on demand: stacks, MMIO, buffers
inline constexpr uint64_t kKernelMapEnd = 0xffff'8100'0000'0000;
inline constexpr uint64_t kImageBase = 0xffff'ffff'8000'0000;      // before the slide
inline constexpr UserAddr kUserLimit{uint64_t{1} << 48};

// Linear map: VA = PA + constant. Only RAM, never `no-map` memory.
VirtAddr linear_address(PhysAddr address);
PhysAddr physical_address(VirtAddr linear_or_image);

using Asid = uint16_t;
unsigned asid_bits();

// Makes the table live for user addresses; no flush. Preemption off.
void set_user_table(PhysAddr root, Asid asid);
PhysAddr kernel_root_table();

// TLB maintenance, complete on return. Any context; with ThisCpu preemption is off.
enum class TlbReach : uint8_t { ThisCpu, AllCpus };
void flush_tlb_page(UserAddr address, Asid asid, TlbReach reach);
void flush_tlb_range(UserRange range, Asid asid, TlbReach reach);
// Leaf level only: tables stay. Cheaper when no table was freed.
void flush_tlb_leaf_range(UserRange range, Asid asid, TlbReach reach);
void flush_tlb_asid(Asid asid, TlbReach reach);
void flush_tlb_kernel(VirtRange range);
// Everything of every ASID. ThisCpu: before it first runs an ASID of a new generation.
void flush_tlb_all(TlbReach reach);
// Orders page-table stores before later accesses by this CPU and its walker.
void page_table_fence();

// Makes instructions written to this frame through the linear map visible to all CPUs.
void sync_instruction_cache(VirtAddr start, size_t size);
// To the point of coherency, for memory that agents without caches read.
void clean_data_cache(VirtAddr start, size_t size);
void invalidate_data_cache(VirtAddr start, size_t size);
// Orders memory accesses before later ones and device registers, as devices on the bus see them.
void device_fence();
void zero_page(VirtAddr page);
void copy_page(VirtAddr to, VirtAddr from);

}  // namespace kernel::arch

#include "arch_impl/mmu.h"
