// SPDX-License-Identifier: MIT
// See kernel_table.h.

#include "mm/kernel_table.h"

#include "mm/frames.h"
#include "sync/spin_lock.h"

namespace kernel::kernel_table {
namespace {

using Format = arch::PagingFormat;

struct LinearMemory {
  static uint64_t* entries(PhysAddr table) {
    return reinterpret_cast<uint64_t*>(frames::frame_data(table));
  }
  // Under the spin lock below. The reserve: a stack or a buffer is never given up for one table.
  static Result<PhysAddr> allocate_table() {
    return frames::allocate(
        0, FrameUse::PageTable,
        AllocationFlags::Zero | AllocationFlags::NoWait | AllocationFlags::Reserve);
  }
};
using Walk = PageTableWalk<Format, LinearMemory>;

SpinLock<LockRank::KernelMap> table_lock;

Frame& frame_of_table(const uint64_t* entry) {
  return frames::frame_of(
      arch::physical_address(page_of(VirtAddr{reinterpret_cast<uint64_t>(entry)})));
}

// What an unmapping frees after the TLBs forgot it.
struct Doomed {
  static constexpr size_t kPages = 64;
  PhysAddr pages[kPages];
  size_t page_count = 0;
  PhysAddr table{};  // at most one leaf table per chunk: a chunk lies within one
};

void clear_entry_locked(VirtAddr page, Backing backing, Doomed& doomed) REQUIRES(table_lock) {
  PhysAddr root = arch::kernel_root_table();
  Walk::Slot slot = Walk::find(root, raw(page));
  uint64_t value = Walk::load(slot.entry);
  if (slot.level != 0 || !Format::is_present(value)) return;
  Walk::store(slot.entry, 0);
  if (backing == Backing::Free) doomed.pages[doomed.page_count++] = Format::address(value);
  Frame& table = frame_of_table(slot.entry);
  if (--table.data != 0) return;
  uint64_t* above = Walk::make(root, raw(page), 1).take();  // exists: allocates nothing
  doomed.table = Format::address(Walk::load(above));
  Walk::store(above, 0);
}

void unmap_chunk(VirtRange chunk, Backing backing) {
  Doomed doomed;
  {
    // The flush is under the lock, so that nobody maps anew what a CPU may still translate the old
    // way.
    Guard guard(table_lock);
    for (VirtAddr page = chunk.start; page < chunk.end; page += kPageSize)
      clear_entry_locked(page, backing, doomed);
    arch::flush_tlb_kernel(chunk);
  }
  frames::put_batch({doomed.pages, doomed.page_count});
  if (doomed.table != PhysAddr{}) frames::free(doomed.table);
}

}  // namespace

Result<> map(VirtAddr page, PhysAddr frame, arch::PageAttributes attributes) {
  Guard guard(table_lock);
  uint64_t* entry = TRY(Walk::make(arch::kernel_root_table(), raw(page), 0));
  DCHECK(!Format::is_present(Walk::load(entry)));
  Walk::store(entry, Format::leaf(frame, attributes, 0));
  ++frame_of_table(entry).data;
  arch::page_table_fence();
  return {};
}

Result<> map_contiguous(VirtRange range, PhysAddr first, arch::PageAttributes attributes) {
  for (VirtAddr page = range.start; page < range.end; page += kPageSize) {
    Result<> mapped = map(page, first + (page - range.start), attributes);
    if (mapped.ok()) continue;
    unmap({range.start, page}, Backing::Keep);
    return mapped;
  }
  return {};
}

void unmap(VirtRange range, Backing backing) {
  static_assert(Format::kEntries % Doomed::kPages == 0);
  constexpr uint64_t kChunk = Doomed::kPages * kPageSize;
  while (!range.empty()) {
    VirtAddr end = align_down(range.start, kChunk) + kChunk;
    if (end > range.end) end = range.end;
    unmap_chunk({range.start, end}, backing);
    range.start = end;
  }
}

}  // namespace kernel::kernel_table
