// SPDX-License-Identifier: MIT
// Kernel mappings made on demand: guarded stacks, MMIO, DMA and large virtually contiguous buffers.
#pragma once

#include "lib/result.h"
#include "mm/page_table.h"

namespace kernel {

// A mapped range of device registers; unmapped on destruction.
class Mmio {
 public:
  static Result<Mmio> map(PhysAddr base, size_t size);
  Mmio(Mmio&& other) noexcept;
  Mmio& operator=(Mmio&& other) noexcept;
  ~Mmio();

  size_t size() const { return size_; }
  PhysAddr physical_base() const { return physical_; }
  template <class T>
  T read(size_t offset) const {
    return *reinterpret_cast<volatile const T*>(base_ + offset);
  }
  template <class T>
  void write(size_t offset, T value) const {
    *reinterpret_cast<volatile T*>(base_ + offset) = value;
  }

 private:
  Mmio(uint64_t base, size_t size, PhysAddr physical)
      : base_(base), size_(size), physical_(physical) {}
  uint64_t base_;  // 0 only after a move
  size_t size_;
  PhysAddr physical_;
};

// A physically contiguous buffer for a device, zeroed; freed on destruction. `coherent` says
// whether the device snoops caches (device tree: dma-coherent); when not, the mapping is
// non-cacheable.
class DmaBuffer {
 public:
  static Result<DmaBuffer> allocate(size_t size, bool coherent);
  DmaBuffer(DmaBuffer&& other) noexcept;
  DmaBuffer& operator=(DmaBuffer&& other) noexcept;
  ~DmaBuffer();

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  PhysAddr physical() const { return physical_; }

 private:
  DmaBuffer(uint8_t* data, size_t size, PhysAddr physical, bool coherent)
      : data_(data), size_(size), physical_(physical), coherent_(coherent) {}
  uint8_t* data_;  // null only after a move
  size_t size_;
  PhysAddr physical_;
  bool coherent_;
};

inline constexpr size_t kKernelStackSize =
    16 * KiB;  // aligned to twice that: one SP bit tests overflow

namespace kernel_map {
void init();
// A 16 KiB stack, its lowest address aligned to 32 KiB, with 16 KiB unmapped below; cached per CPU.
// Returns the lowest address. Contents are what the last user left. May wait for memory.
Result<VirtAddr> allocate_stack();
void free_stack(VirtAddr bottom);  // any context
uint64_t stack_pages();            // in use and cached; any context
// Virtually contiguous, zeroed, for tables larger than the buddy should give (per-CPU areas, hash
// tables). May wait for memory.
Result<VirtAddr> allocate_pages(size_t count);
void free_pages(VirtAddr start);
// Unmaps the cached stacks (leak tests, memory pressure); returns pages freed.
uint64_t drain_caches();
}  // namespace kernel_map

}  // namespace kernel
