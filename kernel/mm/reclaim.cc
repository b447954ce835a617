// SPDX-License-Identifier: MIT
// See reclaim.h. The hooks are registered at boot and stay, so that reading them takes no lock.

#include "mm/reclaim.h"

#include "arch/cpu.h"
#include "arch/irq_state.h"
#include "mm/frames.h"
#include "sync/rcu.h"

namespace kernel::frames {
namespace {

constexpr size_t kMaxReclaimers = 8;
constinit Atomic<Reclaimer> reclaimers[kMaxReclaimers];
using OutOfMemoryHandler = bool (*)();
constinit Atomic<OutOfMemoryHandler> out_of_memory_handler;

}  // namespace

void add_reclaimer(Reclaimer reclaimer) {
  for (Atomic<Reclaimer>& slot : reclaimers) {
    Reclaimer expected = nullptr;
    if (slot.compare_exchange_acq_rel(expected, reclaimer)) return;
  }
  panic("more than %zu reclaimers", kMaxReclaimers);
}

void set_out_of_memory_handler(bool (*kill_one)()) {
  out_of_memory_handler.store_release(kill_one);
}

namespace reclaim {
namespace {

// More than one page at a time: who needed one will need another.
constexpr uint64_t kBatchPages = 64;
constexpr unsigned kMaxAttempts = 32;

uint64_t run_reclaimers(uint64_t wanted) {
  ThreadBase* thread = arch::current_thread();
  thread->memory_flags |= kMemoryReclaiming;
  uint64_t freed = 0;
  for (Atomic<Reclaimer>& slot : reclaimers) {
    Reclaimer reclaimer = slot.load_acquire();
    if (reclaimer == nullptr || freed >= wanted) break;
    freed += reclaimer(wanted - freed);
  }
  thread->memory_flags &= ~uint32_t{kMemoryReclaiming};
  return freed;
}

}  // namespace

bool may_wait() { return arch::current_thread()->preempt_count == 0 && arch::interrupts_enabled(); }

bool is_reclaiming() { return (arch::current_thread()->memory_flags & kMemoryReclaiming) != 0; }

bool Attempts::make_room() {
  if (++made_ > kMaxAttempts) return false;
  uint64_t wanted = uint64_t{1} << order_;
  rcu::hurry();
  if (run_reclaimers(wanted < kBatchPages ? kBatchPages : wanted) != 0) {
    was_in_vain_ = false;
    return true;
  }
  // Another thread may have had in hand, or has freed, what this one has not found: the caller
  // looks again before anybody has to die for it.
  if (!was_in_vain_) {
    was_in_vain_ = true;
    return true;
  }
  // A large block is missing because memory is fragmented; killing does not mend that.
  constexpr unsigned kCostlyOrder = 3;
  OutOfMemoryHandler kill_one = out_of_memory_handler.load_acquire();
  return order_ <= kCostlyOrder && kill_one != nullptr && kill_one();
}

}  // namespace reclaim
}  // namespace kernel::frames
