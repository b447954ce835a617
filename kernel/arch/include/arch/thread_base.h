// SPDX-License-Identifier: MIT
// What entry code, locks and RCU need to know of a thread; sched::Thread derives from it. The
// offsets of the first fields are shared with the assembly (arch_impl/frame_offsets.h).
#pragma once

#include "lib/atomic.h"
#include "lib/types.h"

namespace kernel {

// Work to do before a thread returns to user mode; any bit set takes the slow exit path.
enum ThreadWork : uint32_t {
  kWorkReschedule = 1u << 0,     // also examined when an interrupt returns to the kernel
  kWorkSignal = 1u << 1,         // a signal may be deliverable
  kWorkKill = 1u << 2,           // a fatal signal is pending: killable sleeps end
  kWorkTraceSyscall = 1u << 3,   // print system calls
  kWorkNotify = 1u << 4,         // run deferred work of the thread (closing files, timers)
  kWorkStop = 1u << 5,           // group stop or freeze
  kWorkSwitched = 1u << 6,       // was switched away from, and wants to know (notes_switches)
};

enum ThreadMemoryFlag : uint32_t {
  kMemoryReclaiming =
      1u << 0,  // frees memory just now: no recursion into reclaim, may use the reserve
  kMemoryTaggedAddresses = 1u << 1,  // user copies take tagged pointers (PR_SET_TAGGED_ADDR_CTRL)
};

struct ThreadBase {
  // Written by the thread itself only. Non-zero: not preemptible, must not sleep.
  uint32_t preempt_count = 0;
  // Set by anybody, cleared by the thread.
  Atomic<uint32_t> work;
  // Highest and lowest address of the kernel stack; the highest is where user entry starts.
  VirtAddr stack_top{};
  VirtAddr stack_bottom{};
  // ThreadMemoryFlag bits: how the allocators treat this thread. Own thread only.
  uint32_t memory_flags = 0;

#ifdef SAMARA_DEBUG
  // Locks held, innermost last, for the order check (sync/lock_order.h). Own thread only; spin
  // locks taken in an interrupt stand above those of the thread that it interrupted.
  static constexpr size_t kMaxHeldLocks = 16;
  struct HeldLock {
    const void* lock;
    const void* taken_at;  // return address, for the report
    uint16_t rank;
    uint8_t subclass;
    bool is_spin;
    uint8_t level;
  };
  HeldLock held[kMaxHeldLocks] = {};
  uint32_t held_count = 0;
  uint8_t lock_level = 0;  // of file systems below others (lockdep::NextLevel)
  // mm/allocation_failure.h; 0: none is to fail. Set by the thread itself; anybody may read it.
  Atomic<uint32_t> allocations_until_failure;
#endif
};

}  // namespace kernel
