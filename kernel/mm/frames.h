// SPDX-License-Identifier: MIT
// Physical memory by the page frame: a buddy allocator with per-CPU caches of single frames. Metadata
// is 16 bytes a frame, initialised lazily, region by region, as memory is first handed out, so that
// boot does not grow with RAM.
#pragma once

#include <span>

#include "arch/mmu.h"
#include "lib/atomic.h"
#include "lib/result.h"
#include "lib/types.h"

namespace kernel {

enum class FrameUse : uint8_t { Free, Kernel, Slab, PageTable, Anonymous, Object };

// One per frame of RAM.
struct Frame {
  Atomic<uint32_t> references;  // holders: mappings, page cache, kernel users. 0 = free
  FrameUse use;
  uint8_t order;                // of the block whose first frame this is
  uint16_t flags;
  // By use. Free: list links (frame numbers). Slab: its slab. PageTable: count of live entries and of
  // sharers. Object: the memory object's own record.
  union {
    uint64_t data;
    void* owner;
    struct {
      uint32_t next;
      uint32_t previous;
    } link;
  };
};
static_assert(sizeof(Frame) == 16);

inline constexpr unsigned kMaxOrder = 14;  // 64 MiB: large contiguous buffers

enum class AllocationFlags : uint8_t {
  None = 0,
  Zero = 1,       // filled with zeros
  NoWait = 2,     // under a spin lock or in an interrupt: no reclaim
  Reserve = 4,    // may dip into the reserve that reclaim and the page tables of an exit need
};
constexpr AllocationFlags operator|(AllocationFlags a, AllocationFlags b) {
  return static_cast<AllocationFlags>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}
constexpr bool has(AllocationFlags set, AllocationFlags flag) {
  return (static_cast<uint8_t>(set) & static_cast<uint8_t>(flag)) != 0;
}

namespace frames {

// Boot, once: RAM regions minus the reserved ranges, both sorted and disjoint. Allocates the (lazily
// initialised) metadata from the RAM itself.
void init(std::span<const PhysRange> ram, std::span<const PhysRange> reserved);
// Gives a reserved range back (initrd after unpacking). Page-aligned.
void release_reserved(PhysRange range);

// 2^order frames, physically contiguous and aligned, each block one reference on its first frame.
// Errors: NoMem after reclaim found nothing. May sleep unless NoWait.
Result<PhysAddr> allocate(unsigned order = 0, FrameUse use = FrameUse::Kernel,
                          AllocationFlags flags = AllocationFlags::None);
// Frees the block whatever its count. Any context.
void free(PhysAddr block);
// Shared single frames: count up; count down and free at zero. Any context.
void get(PhysAddr frame);
void put(PhysAddr frame);
// Counts down many frames with one pass over the free lists.
void put_batch(std::span<const PhysAddr> frames);

// Metadata of a frame of RAM that has been handed out.
Frame& frame_of(PhysAddr address);
bool is_ram(PhysAddr address);
inline uint8_t* frame_data(PhysAddr address) {
  return reinterpret_cast<uint8_t*>(raw(arch::linear_address(address)));
}

struct Statistics {
  uint64_t total_pages;  // usable RAM: device tree's total minus the stated reservations
  uint64_t free_pages;   // per-CPU caches included
  uint64_t reserved_pages;
  uint64_t by_use[6];    // indexed by FrameUse
};
Statistics statistics();

// Called when memory is short, in a context that may sleep; returns pages freed. The page cache
// registers one; `wanted` pages are enough. The OOM killer is the last, registered by process.
using Reclaimer = uint64_t (*)(uint64_t wanted);
void add_reclaimer(Reclaimer reclaimer);
void set_out_of_memory_handler(bool (*kill_one)());
// Moves the per-CPU caches back to the buddy lists (leak tests, drop_caches).
void drain_caches();

}  // namespace frames
}  // namespace kernel
