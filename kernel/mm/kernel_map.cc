// SPDX-License-Identifier: MIT
// Which addresses of the on-demand area belong to whom, and the owners of such ranges: device
// registers, DMA buffers, large tables. Stacks have a part of the area and a file of their own.

#include "mm/kernel_map.h"

#include "lib/tree.h"
#include "mm/frames.h"
#include "mm/kernel_stack.h"
#include "mm/kernel_table.h"
#include "sync/spin_lock.h"

namespace kernel {
namespace {

constexpr VirtAddr kAreaStart{arch::kKernelMapBase + kernel_map::kStackAreaSize};
constexpr VirtAddr kAreaEnd{arch::kKernelMapEnd};

struct Mapping : TreeNode<Mapping> {
  VirtRange range;
};
struct MappingOrder {
  static bool less(const Mapping& a, const Mapping& b) { return a.range.start < b.range.start; }
};

SpinLock<LockRank::KernelMap> area_lock;
Tree<Mapping, MappingOrder> mappings GUARDED_BY(area_lock);

// First fit, an unmapped page after each mapping, so that an overrun faults.
Result<VirtAddr> reserve(size_t pages) {
  Mapping* mapping = new (std::nothrow) Mapping;
  if (mapping == nullptr) return Errno::NoMem;
  uint64_t size = pages * kPageSize;
  {
    Guard guard(area_lock);
    VirtAddr start = kAreaStart;
    for (Mapping* at = mappings.first(); at != nullptr; at = mappings.next(*at)) {
      if (at->range.start - start >= size + kPageSize) break;
      start = at->range.end + kPageSize;
    }
    if (kAreaEnd - start > size) {
      mapping->range = {start, start + size};
      mappings.insert(*mapping);
      return start;
    }
  }
  delete mapping;
  return Errno::NoMem;
}

// Unmaps first and only then lets others have the addresses.
void release(VirtAddr start, kernel_table::Backing backing) {
  Mapping* mapping;
  {
    Guard guard(area_lock);
    mapping = mappings.lower_bound([start](const Mapping& at) { return at.range.start < start; });
    CHECK(mapping != nullptr && mapping->range.start == start);
  }
  kernel_table::unmap(mapping->range, backing);
  {
    Guard guard(area_lock);
    mappings.remove(*mapping);
  }
  delete mapping;
}

Result<VirtAddr> map_physical(PhysAddr first, size_t pages, arch::MemoryType type) {
  VirtAddr start = TRY(reserve(pages));
  VirtRange range{start, start + pages * kPageSize};
  Result<> mapped = kernel_table::map_contiguous(range, first, {.writable = true, .type = type});
  if (mapped.ok()) return start;
  release(start, kernel_table::Backing::Keep);
  return mapped.error();
}

void free_frames(PhysAddr first, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) frames::free(first + i * kPageSize);
}

// The memory of a DmaBuffer: a block, or single frames when the size is no power of two.
void free_buffer(PhysAddr start, uint64_t pages) {
  free_frames(start, std::has_single_bit(pages) ? 1 : pages);
}

}  // namespace

namespace kernel_map {

void init() { init_stacks(); }

Result<VirtAddr> allocate_pages(size_t count) {
  VirtAddr start = TRY(reserve(count));
  for (size_t i = 0; i < count; ++i) {
    Result<PhysAddr> frame = frames::allocate(0, FrameUse::Kernel, AllocationFlags::Zero);
    if (frame.ok()) {
      if (kernel_table::map(start + i * kPageSize, frame.value(), {.writable = true}).ok())
        continue;
      frames::free(frame.value());
    }
    release(start, kernel_table::Backing::Free);
    return Errno::NoMem;
  }
  return start;
}

void free_pages(VirtAddr start) { release(start, kernel_table::Backing::Free); }

}  // namespace kernel_map

Result<Mmio> Mmio::map(PhysAddr base, size_t size) {
  if (size == 0 || raw(base) + size < raw(base)) return Errno::Inval;
  size_t offset = page_offset(base);
  VirtAddr start =
      TRY(map_physical(page_of(base), pages_for(offset + size), arch::MemoryType::Device));
  return Mmio(raw(start) + offset, size, base);
}

Mmio::Mmio(Mmio&& other) noexcept
    : base_(std::exchange(other.base_, 0)), size_(other.size_), physical_(other.physical_) {}

Mmio& Mmio::operator=(Mmio&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(size_, other.size_);
  std::swap(physical_, other.physical_);
  return *this;
}

Mmio::~Mmio() {
  if (base_ != 0) release(page_of(VirtAddr{base_}), kernel_table::Backing::Keep);
}

Result<DmaBuffer> DmaBuffer::allocate(size_t size, bool coherent) {
  if (size == 0 || size > kPageSize << kMaxOrder) return Errno::NoMem;
  uint64_t pages = pages_for(size);
  auto order = static_cast<unsigned>(std::bit_width(pages - 1));
  PhysAddr block = TRY(frames::allocate(order, FrameUse::Kernel, AllocationFlags::Zero));
  if (!std::has_single_bit(pages)) {
    // The rest of the block is of use to others.
    frames::split(block);
    free_frames(block + pages * kPageSize, (uint64_t{1} << order) - pages);
  }
  VirtAddr linear = arch::linear_address(block);
  if (coherent) return DmaBuffer(reinterpret_cast<uint8_t*>(raw(linear)), size, block, coherent);
  Result<VirtAddr> start = map_physical(block, pages, arch::MemoryType::NonCacheable);
  if (!start.ok()) {
    free_buffer(block, pages);
    return start.error();
  }
  // Nothing of the cacheable alias may be written back over what the device or we write.
  arch::clean_data_cache(linear, pages * kPageSize);
  arch::invalidate_data_cache(linear, pages * kPageSize);
  return DmaBuffer(reinterpret_cast<uint8_t*>(raw(start.value())), size, block, coherent);
}

DmaBuffer::DmaBuffer(DmaBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(other.size_),
      physical_(other.physical_),
      coherent_(other.coherent_) {}

DmaBuffer& DmaBuffer::operator=(DmaBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(physical_, other.physical_);
  std::swap(coherent_, other.coherent_);
  return *this;
}

DmaBuffer::~DmaBuffer() {
  if (data_ == nullptr) return;
  if (!coherent_) release(VirtAddr{reinterpret_cast<uint64_t>(data_)}, kernel_table::Backing::Keep);
  free_buffer(physical_, pages_for(size_));
}

}  // namespace kernel
