// SPDX-License-Identifier: MIT
// The ASID allocator. Fast path of a switch: one load and one compare-exchange on this CPU's word.
// The word holds the context that runs here; a roll-over exchanges it for zero and remembers it as
// reserved, so that a space which keeps running keeps its number in the new generation.

#include "vm/asid.h"

#include "sync/per_cpu.h"
#include "sync/spin_lock.h"

namespace kernel::asid {
namespace {

struct CpuAsids {
  Atomic<uint64_t> active;     // context that runs here; 0: taken by a roll-over
  uint64_t reserved = 0;       // context that ran here when the generation began
  bool flush_pending = false;  // this CPU's TLB may hold entries of the generation before
};

// The last two are guarded by the lock of `state`, other CPUs' as well.
PER_CPU(CpuAsids, cpu_asids);

constexpr size_t kMaxAsids = 65536;

struct State {
  SpinLock<LockRank::Asid> lock;
  Atomic<uint64_t> generation{kMaxAsids};  // a multiple of kMaxAsids, whatever the CPU's width
  unsigned bits GUARDED_BY(lock) = 0;
  uint32_t next GUARDED_BY(lock) = 1;
  uint64_t used[kMaxAsids / 64] GUARDED_BY(lock) = {};
};
constinit State state;

constexpr uint64_t number_of(uint64_t context) { return context % kMaxAsids; }
constexpr uint64_t generation_of(uint64_t context) { return context - number_of(context); }

bool test_and_set_locked(uint64_t number) REQUIRES(state.lock) {
  uint64_t bit = uint64_t{1} << (number % 64);
  bool was = (state.used[number / 64] & bit) != 0;
  state.used[number / 64] |= bit;
  return was;
}

void roll_over_locked() REQUIRES(state.lock) {
  state.generation.store_relaxed(state.generation.load_relaxed() + kMaxAsids);
  for (uint64_t& word : state.used) word = 0;
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (cpu != 0 && per_cpu_offsets[cpu] == 0) continue;
    CpuAsids& asids = cpu_asids.on(cpu);
    uint64_t running = asids.active.exchange_acq_rel(0);
    // Zero: the CPU has not switched since the roll-over before; its reserved number still runs.
    if (running != 0) asids.reserved = running;
    if (asids.reserved != 0) test_and_set_locked(number_of(asids.reserved));
    asids.flush_pending = true;
  }
  state.next = 1;
}

// True when some CPU runs this context over the roll-over; all its copies then carry `fresh`.
bool update_reserved_locked(uint64_t context, uint64_t fresh) REQUIRES(state.lock) {
  bool found = false;
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (cpu != 0 && per_cpu_offsets[cpu] == 0) continue;
    CpuAsids& asids = cpu_asids.on(cpu);
    if (asids.reserved != context) continue;
    asids.reserved = fresh;
    found = true;
  }
  return found;
}

uint64_t allocate_locked(uint64_t old) REQUIRES(state.lock) {
  if (old != 0) {
    uint64_t renewed = state.generation.load_relaxed() | number_of(old);
    if (update_reserved_locked(old, renewed)) return renewed;
    if (!test_and_set_locked(number_of(old))) return renewed;
  }
  if (state.bits == 0) state.bits = arch::asid_bits();
  for (int round = 0; round < 2; ++round) {
    for (uint64_t number = state.next; number < uint64_t{1} << state.bits; ++number) {
      if (test_and_set_locked(number)) continue;
      state.next = static_cast<uint32_t>(number) + 1;
      return state.generation.load_relaxed() | number;
    }
    roll_over_locked();
  }
  panic("more CPUs than address space identifiers");
}

uint64_t renew(AsidContext& context) {
  Guard guard(state.lock);
  uint64_t value = context.value.load_relaxed();
  if (generation_of(value) != state.generation.load_relaxed()) {
    value = allocate_locked(value);
    context.value.store_relaxed(value);
    // Before this CPU's walks: whoever changes an entry from now on must find this ASID.
    full_fence();
  }
  CpuAsids& mine = cpu_asids.mine();
  if (mine.flush_pending) {
    mine.flush_pending = false;
    arch::flush_tlb_all(arch::TlbReach::ThisCpu);
  }
  mine.active.store_relaxed(value);
  return value;
}

}  // namespace

arch::Asid activate(AsidContext& context) {
  uint64_t bit = uint64_t{1} << this_cpu();
  if ((context.cpus.load_relaxed() & bit) == 0) [[unlikely]] {
    context.cpus.fetch_or_relaxed(bit);
    full_fence();  // see AsidContext::cpus
  }
  // The exchange fails when a roll-over has taken this CPU's word since: then the generation must
  // be looked at again under the lock. Relaxed: the lock orders the roll-over's side, the word
  // itself is the agreement.
  CpuAsids& mine = cpu_asids.mine();
  uint64_t value = context.value.load_relaxed();
  uint64_t active = mine.active.load_relaxed();
  if (active != 0 && generation_of(value) == state.generation.load_relaxed() &&
      mine.active.compare_exchange_relaxed(active, value))
    return static_cast<arch::Asid>(number_of(value));
  return static_cast<arch::Asid>(number_of(renew(context)));
}

uint64_t current_generation() { return state.generation.load_relaxed() / kMaxAsids; }

void limit_bits_for_test(unsigned bits) {
  Guard guard(state.lock);
  state.bits = bits == 0 ? arch::asid_bits() : bits;
  roll_over_locked();
}

}  // namespace kernel::asid
