// SPDX-License-Identifier: MIT
// Physical memory by the page frame: a buddy allocator with per-CPU caches of single frames.
// Metadata is 16 bytes a frame, initialised lazily, region by region, as memory is first handed
// out, so that boot does not grow with RAM.
#pragma once

#include <span>

#include "arch/mmu.h"
#include "lib/atomic.h"
#include "lib/check.h"
#include "lib/result.h"
#include "lib/types.h"

namespace kernel {

enum class FrameUse : uint8_t { Free, Kernel, Slab, PageTable, Anonymous, Object };
inline constexpr size_t kFrameUses = 6;

// Frame::flags that belong to the allocator; users of a frame leave them alone.
inline constexpr uint16_t kFrameInBuddy = 1u << 15;   // first of a free block on a buddy list
inline constexpr uint16_t kFrameReserved = 1u << 14;  // never handed out (release_reserved)

// One per frame of RAM. Interior frames of a block hold garbage unless the block's user wrote them.
struct Frame {
  Atomic<uint32_t> references;  // holders: mappings, page cache, kernel users. 0 = free
  FrameUse use;
  uint8_t order;  // of the block whose first frame this is
  // 0 when handed out. Atomic because the allocator looks at its own bits in frames next to its
  // own.
  Atomic<uint16_t> flags;
  // By use. Free: list links (frame numbers). Slab: its slab. PageTable: count of live entries and
  // of sharers. Object: the memory object's own record.
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
  Zero = 1,     // filled with zeros
  NoWait = 2,   // under a spin lock or in an interrupt: no reclaim
  Reserve = 4,  // may dip into the reserve that reclaim and the page tables of an exit need
  Spare = 8,    // not worth anybody's trouble: only what is free anyway (read-ahead)
};
constexpr AllocationFlags operator|(AllocationFlags a, AllocationFlags b) {
  return static_cast<AllocationFlags>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}
constexpr bool has(AllocationFlags set, AllocationFlags flag) {
  return (static_cast<uint8_t>(set) & static_cast<uint8_t>(flag)) != 0;
}

namespace frames {

namespace detail {
// Metadata lies in one array per GiB of address space that has RAM. Each entry is the address at
// which the frame of number 0 would lie in that section's array; 0 = no RAM there.
inline constexpr unsigned kSectionShift = 30;
extern uint64_t* section_bases;
extern uint64_t section_count;
}  // namespace detail

// Boot, once: RAM regions minus the reserved ranges, both sorted and disjoint. Allocates the
// (lazily initialised) metadata from the RAM itself.
void init(std::span<const PhysRange> ram, std::span<const PhysRange> reserved);
// Gives a reserved range back (initrd after unpacking). Page-aligned.
void release_reserved(PhysRange range);

// 2^order frames, physically contiguous and aligned, each block one reference on its first frame.
// Errors: NoMem after reclaim found nothing. May sleep unless NoWait.
Result<PhysAddr> allocate(unsigned order = 0, FrameUse use = FrameUse::Kernel,
                          AllocationFlags flags = AllocationFlags::None);
// Frees the block whatever its count. Any context.
void free(PhysAddr block);
// Turns an allocated block into single frames, each with one reference and the block's use.
void split(PhysAddr block);
// Shared single frames: count up; count down and free at zero. Any context.
void get(PhysAddr frame);
void put(PhysAddr frame);
// For lock-free lookups: false when the count is zero, that is, the frame is free or being freed.
// After true the caller checks that the frame still is what it looked up, else put().
bool try_get(PhysAddr frame);
// Counts down many frames with one pass over the free lists.
void put_batch(std::span<const PhysAddr> frames);

// Metadata of a frame of RAM that has been handed out.
inline Frame& frame_of(PhysAddr address) {
  uint64_t section = raw(address) >> detail::kSectionShift;
  DCHECK(section < detail::section_count && detail::section_bases[section] != 0);
  return *reinterpret_cast<Frame*>(detail::section_bases[section] +
                                   (raw(address) >> kPageShift) * sizeof(Frame));
}
bool is_ram(PhysAddr address);
inline uint8_t* frame_data(PhysAddr address) {
  return reinterpret_cast<uint8_t*>(raw(arch::linear_address(address)));
}

struct Statistics {
  uint64_t total_pages;  // usable RAM: device tree's total minus the stated reservations
  uint64_t free_pages;   // per-CPU caches included
  uint64_t reserved_pages;
  uint64_t by_use[kFrameUses];  // indexed by FrameUse; [Free] = free_pages
};
Statistics statistics();
uint64_t total_pages();  // as there; takes no lock

// Called when memory is short, in a context that may sleep but may hold mutexes; returns pages
// freed. The page cache registers one; `wanted` pages are enough. Never called recursively.
using Reclaimer = uint64_t (*)(uint64_t wanted);
void add_reclaimer(Reclaimer reclaimer);
// Called when fewer than `low` pages are free, by threads that may sleep; it wakes somebody who
// frees pages until `high` are free.
using LowMemoryHook = void (*)();
void set_low_memory_hook(LowMemoryHook hook);
struct Watermarks {
  uint64_t low, high;
};
Watermarks watermarks();
// The last resort, registered by process: makes one victim die (or waits, bounded, for one that is
// dying already). True: it is worth trying again. False: the allocation fails.
void set_out_of_memory_handler(bool (*kill_one)());
// Moves the per-CPU caches back to the buddy lists (leak tests, drop_caches).
void drain_caches();

}  // namespace frames
}  // namespace kernel
