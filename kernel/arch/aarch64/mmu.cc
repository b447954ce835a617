// SPDX-License-Identifier: MIT
// TLB and cache maintenance. TLB operations reach this CPU or the inner-shareable domain, and are
// complete on return (Arm ARM D8.13, D7.5). No locks, any context.

#include "arch/mmu.h"

#include "arch/timer.h"
#include "lib/types.h"

namespace kernel::arch {
namespace {

// Above this many pages, dropping the whole ASID costs less than one operation a page and the
// walks that the other pages then need again.
constexpr uint64_t kMaxSinglePages = 64;

uint64_t tlb_operand(uint64_t address, Asid asid) {
  return field(address, kPageShift, 44) | uint64_t{asid} << 48;
}
// One flush: the page-table stores are visible to the walkers before, the entries gone after. The
// isb is for this CPU's own instruction stream; others synchronise when they return to user mode.
template <class Operations>
void flush(TlbReach reach, Operations operations) {
  if (reach == TlbReach::ThisCpu) {
    asm volatile("dsb nshst" ::: "memory");
    operations();
    asm volatile("dsb nsh\n\tisb" ::: "memory");
  } else {
    asm volatile("dsb ishst" ::: "memory");
    operations();
    asm volatile("dsb ish\n\tisb" ::: "memory");
  }
}

// TLBI by one register operand, of this CPU or of all.
#define TLBI(operation, reach, operand)                                   \
  do {                                                                    \
    if ((reach) == TlbReach::ThisCpu) {                                   \
      asm volatile("tlbi " operation ", %0" ::"r"(operand) : "memory");   \
    } else {                                                              \
      asm volatile("tlbi " operation "is, %0" ::"r"(operand) : "memory"); \
    }                                                                     \
  } while (false)

size_t line_size(unsigned shift_in_ctr) {
  return size_t{4} << field(READ_SYSREG(ctr_el0), shift_in_ctr);
}
size_t data_line() { return line_size(16); }
size_t instruction_line() { return line_size(0); }

template <class Operation>
void for_each_line(VirtAddr start, size_t size, size_t line, Operation operation) {
  uint64_t end = raw(start) + size;
  for (uint64_t at = align_down(raw(start), line); at < end; at += line) operation(at);
}

}  // namespace

unsigned asid_bits() { return field(READ_SYSREG(ID_AA64MMFR0_EL1), 4) == 2 ? 16 : 8; }

void flush_tlb_page(UserAddr address, Asid asid, TlbReach reach) {
  flush(reach, [=] { TLBI("vae1", reach, tlb_operand(raw(address), asid)); });
}

void flush_tlb_range(UserRange range, Asid asid, TlbReach reach) {
  if (range.size() > kMaxSinglePages * kPageSize) return flush_tlb_asid(asid, reach);
  flush(reach, [=] {
    for (UserAddr at = page_of(range.start); at < range.end; at += kPageSize)
      TLBI("vae1", reach, tlb_operand(raw(at), asid));
  });
}

void flush_tlb_leaf_range(UserRange range, Asid asid, TlbReach reach) {
  if (range.size() > kMaxSinglePages * kPageSize) return flush_tlb_asid(asid, reach);
  flush(reach, [=] {
    for (UserAddr at = page_of(range.start); at < range.end; at += kPageSize)
      TLBI("vale1", reach, tlb_operand(raw(at), asid));
  });
}

void flush_tlb_asid(Asid asid, TlbReach reach) {
  flush(reach, [=] { TLBI("aside1", reach, uint64_t{asid} << 48); });
}

void flush_tlb_kernel(VirtRange range) {
  if (range.size() > kMaxSinglePages * kPageSize) return flush_tlb_all(TlbReach::AllCpus);
  flush(TlbReach::AllCpus, [=] {
    for (VirtAddr at = page_of(range.start); at < range.end; at += kPageSize)
      TLBI("vaae1", TlbReach::AllCpus, tlb_operand(raw(at), 0));
  });
}

void flush_tlb_all(TlbReach reach) {
  flush(reach, [=] {
    if (reach == TlbReach::ThisCpu) {
      asm volatile("tlbi vmalle1" ::: "memory");
    } else {
      asm volatile("tlbi vmalle1is" ::: "memory");
    }
  });
}

#undef TLBI

void sync_instruction_cache(VirtAddr start, size_t size) {
  uint64_t ctr = READ_SYSREG(ctr_el0);
  bool data_is_coherent = field(ctr, 28, 1) != 0;           // IDC
  bool instructions_are_coherent = field(ctr, 29, 1) != 0;  // DIC
  if (!data_is_coherent) {
    for_each_line(start, size, data_line(), [](uint64_t at) {
      asm volatile("dc cvau, %0" ::"r"(at) : "memory");
    });
  }
  asm volatile("dsb ish" ::: "memory");
  if (!instructions_are_coherent) {
    // A virtually indexed instruction cache may hold the page under its user address, which an
    // operation on the linear map's address does not reach.
    bool aliasing = field(ctr, 14, 2) == 2;
    if (aliasing) {
      asm volatile("ic ialluis" ::: "memory");
    } else {
      for_each_line(start, size, instruction_line(), [](uint64_t at) {
        asm volatile("ic ivau, %0" ::"r"(at) : "memory");
      });
    }
    asm volatile("dsb ish" ::: "memory");
  }
  instruction_barrier();
}

void clean_data_cache(VirtAddr start, size_t size) {
  for_each_line(start, size, data_line(), [](uint64_t at) {
    asm volatile("dc cvac, %0" ::"r"(at) : "memory");
  });
  data_barrier();
}

// Lines at the edges are cleaned first: they may hold a neighbour's data.
void invalidate_data_cache(VirtAddr start, size_t size) {
  for_each_line(start, size, data_line(), [](uint64_t at) {
    asm volatile("dc civac, %0" ::"r"(at) : "memory");
  });
  data_barrier();
}

void zero_page(VirtAddr page) {
  uint64_t dczid = READ_SYSREG(dczid_el0);
  uint64_t end = raw(page) + kPageSize;
  if (field(dczid, 4, 1) == 0) {  // DC ZVA is permitted
    size_t block = size_t{4} << field(dczid, 0);
    if (block == 64) {  // what nearly every CPU has
      for (uint64_t at = raw(page); at < end; at += 512) {
        asm volatile("dc zva, %0\n\tdc zva, %1\n\tdc zva, %2\n\tdc zva, %3\n\t"
                     "dc zva, %4\n\tdc zva, %5\n\tdc zva, %6\n\tdc zva, %7" ::"r"(at),
                     "r"(at + 64), "r"(at + 128), "r"(at + 192), "r"(at + 256), "r"(at + 320),
                     "r"(at + 384), "r"(at + 448)
                     : "memory");
      }
      return;
    }
    for (uint64_t at = raw(page); at < end; at += block)
      asm volatile("dc zva, %0" ::"r"(at) : "memory");
    return;
  }
  for (uint64_t at = raw(page); at < end; at += 64) {
    asm volatile(
        "stp xzr, xzr, [%0]\n\tstp xzr, xzr, [%0, #16]\n\t"
        "stp xzr, xzr, [%0, #32]\n\tstp xzr, xzr, [%0, #48]" ::"r"(at)
        : "memory");
  }
}

void copy_page(VirtAddr to, VirtAddr from) {
  uint64_t end = raw(from) + kPageSize;
  uint64_t source = raw(from);
  uint64_t target = raw(to);
  uint64_t a, b, c, d;
  asm volatile(
      "1: ldp %2, %3, [%0], #32\n\t"
      "ldp %4, %5, [%0, #-16]\n\t"
      "stp %2, %3, [%1], #32\n\t"
      "stp %4, %5, [%1, #-16]\n\t"
      "cmp %0, %6\n\t"
      "b.ne 1b"
      : "+r"(source), "+r"(target), "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
      : "r"(end)
      : "memory", "cc");
}

}  // namespace kernel::arch
