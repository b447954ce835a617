// SPDX-License-Identifier: MIT
// The run-time check of the lock order, in debug builds. Each thread lists the locks that it holds;
// what an interrupt takes goes on top of the interrupted thread's list and is off it when the
// interrupt ends. A spin lock masks interrupts, so that none can be taken in an interrupt that its
// victim holds (IT7).

#include "sync/lock_order.h"

#ifdef SAMARA_DEBUG

#include "arch/irq_state.h"
#include "lib/check.h"
#include "lib/string_view.h"

namespace kernel::lockdep {
namespace {

// The compiler knows the enumerators' names: "... kernel::LockRank::Frames]" in both dialects.
template <LockRank rank>
constexpr StringView spelled_name() {
  StringView text = __PRETTY_FUNCTION__;
  text = text.substr(text.rfind(':') + 1);
  return text.substr(0, text.size() - 1);
}
static_assert(spelled_name<LockRank::Leaf>() == "Leaf");

constexpr size_t kLongestName = 24;
struct RankNames {
  char text[kLockRanks][kLongestName] = {};
};
template <size_t... ranks>
consteval RankNames make_names(std::index_sequence<ranks...>) {
  RankNames names;
  auto copy = [&names](size_t rank, StringView name) {
    for (size_t i = 0; i < name.size(); ++i) names.text[rank][i] = name[i];
  };
  (copy(ranks, spelled_name<LockRank{ranks}>()), ...);
  return names;
}
constexpr RankNames kNames = make_names(std::make_index_sequence<kLockRanks>());

// A panic takes locks as it can; it must not be checked.
constinit Atomic<bool> disabled;

class InterruptsOff : public Pinned {
 public:
  InterruptsOff() : state_(arch::disable_interrupts()) {}
  ~InterruptsOff() { arch::restore_interrupts(state_); }

 private:
  arch::IrqState state_;
};

using HeldLock = ThreadBase::HeldLock;

const char* name(uint16_t rank) { return rank_name(LockRank{rank}); }

[[noreturn]] void report(const char* problem, const HeldLock& wanted, const HeldLock& held) {
  disabled.store_relaxed(true);
  panic("lock order: %s: %s.%u (%p, at %p) while holding %s.%u (%p, taken at %p)", problem,
        name(wanted.rank), unsigned{wanted.subclass}, wanted.lock, wanted.taken_at, name(held.rank),
        unsigned{held.subclass}, held.lock, held.taken_at);
}

void check_order(const ThreadBase& thread, const HeldLock& wanted) {
  // A try that came as far as this has the lock already, if need be as a second reader.
  if (wanted.subclass == kTrySubclass) return;
  for (uint32_t i = 0; i < thread.held_count; ++i) {
    if (thread.held[i].lock == wanted.lock) report("taken twice", wanted, thread.held[i]);
  }
  for (uint32_t i = 0; i < thread.held_count; ++i) {
    const HeldLock& held = thread.held[i];
    if (held.level < wanted.level && LockRank{held.rank} <= kLastStackedRank) continue;
    if (held.rank > wanted.rank) report("wrong order", wanted, held);
    if (held.rank == wanted.rank && held.subclass >= wanted.subclass)
      report("same rank without a subclass order", wanted, held);
  }
}

// A sleeping lock where the thread may not sleep: under a spin lock, in an interrupt.
void check_may_wait(const ThreadBase& thread, const HeldLock& wanted) {
  if (wanted.is_spin || wanted.subclass == kTrySubclass) return;
  for (uint32_t i = 0; i < thread.held_count; ++i) {
    if (thread.held[i].is_spin) report("a sleeping lock under a spin lock", wanted, thread.held[i]);
  }
  if (thread.preempt_count != 0 || !arch::interrupts_enabled()) {
    disabled.store_relaxed(true);
    panic(
        "lock order: sleeping lock %s (%p, at %p) taken with preemption off (%u) or interrupts "
        "masked",
        name(wanted.rank), wanted.lock, wanted.taken_at, thread.preempt_count);
  }
}

}  // namespace

[[gnu::noinline]] void acquire(const void* lock, LockRank rank, unsigned subclass, bool is_spin) {
  if (disabled.load_relaxed()) return;
  HeldLock wanted{lock, __builtin_return_address(0), static_cast<uint16_t>(rank),
                  static_cast<uint8_t>(subclass), is_spin, 0};
  ThreadBase& thread = *arch::current_thread();
  wanted.level = thread.lock_level;
  check_may_wait(thread, wanted);
  InterruptsOff off;
  check_order(thread, wanted);
  if (thread.held_count == ThreadBase::kMaxHeldLocks)
    report("too many locks", wanted, thread.held[thread.held_count - 1]);
  thread.held[thread.held_count++] = wanted;
}

void release(const void* lock) {
  if (disabled.load_relaxed()) return;
  InterruptsOff off;
  ThreadBase& thread = *arch::current_thread();
  uint32_t at = thread.held_count;
  while (at > 0 && thread.held[at - 1].lock != lock) --at;
  if (at == 0) {
    disabled.store_relaxed(true);
    panic("lock order: lock %p released at %p by a thread that does not hold it", lock,
          __builtin_return_address(0));
  }
  for (; at < thread.held_count; ++at) thread.held[at - 1] = thread.held[at];
  --thread.held_count;
}

void assert_may_sleep() {
  if (disabled.load_relaxed()) return;
  const ThreadBase& thread = *arch::current_thread();
  for (uint32_t i = 0; i < thread.held_count; ++i) {
    if (!thread.held[i].is_spin) continue;
    disabled.store_relaxed(true);
    panic("about to sleep at %p while holding %s (%p, taken at %p)", __builtin_return_address(0),
          name(thread.held[i].rank), thread.held[i].lock, thread.held[i].taken_at);
  }
  if (thread.preempt_count == 0 && arch::interrupts_enabled()) return;
  disabled.store_relaxed(true);
  panic("about to sleep at %p with preemption off (%u) or interrupts masked",
        __builtin_return_address(0), thread.preempt_count);
}

void assert_no_locks_held() {
  const ThreadBase& thread = *arch::current_thread();
  if (thread.held_count == 0 || disabled.load_relaxed()) return;
  disabled.store_relaxed(true);
  const HeldLock& held = thread.held[thread.held_count - 1];
  panic("%s (%p, taken at %p) is held at %p, where no lock may be", name(held.rank), held.lock,
        held.taken_at, __builtin_return_address(0));
}

void enter_level() { ++arch::current_thread()->lock_level; }
void leave_level() { --arch::current_thread()->lock_level; }

const char* rank_name(LockRank rank) { return kNames.text[static_cast<size_t>(rank)]; }

}  // namespace kernel::lockdep

#endif
