// SPDX-License-Identifier: MIT
// Quiescent-state RCU: see rcu.h. A CPU reports by writing the number of the grace period under way
// into its own word; an idle CPU by its idle counter being odd, so that nobody has to wake it.
//
// Why it is safe. A writer unlinks, then a grace period begins: `begun` rises, then a full fence,
// then the idle counters are read. A CPU that reports number n has loaded `begun` >= n (acquire)
// after its last reader ended and before the next one starts: the next one sees the unlinking. An
// idle CPU that is counted as quiescent raises its counter, then a full fence, then reads: either
// the grace period saw it running, or it sees the unlinking. That the last reader ended before is
// in the release of the word or counter and the acquire that reads it.

#include "sync/rcu.h"

#include "sync/per_cpu.h"

namespace kernel {
namespace {

struct RcuCpu {
  Atomic<uint64_t> reported;  // the newest grace period for which the CPU was quiescent
  Atomic<uint32_t> idle;      // odd: idle (or offline)
  Atomic<RcuHead*> retired;   // newest first
  Atomic<uint32_t> count;     // of them, roughly
  // Of the grace period under way; the thread that drives it only.
  uint32_t idle_at_begin = 0;
  bool done = false;
};
PER_CPU(RcuCpu, rcu_cpu);

constinit Atomic<uint64_t> begun_number;
constinit Atomic<uint64_t> completed_number;
constinit Atomic<bool> work_announced;
using Waker = void (*)(bool hurry);
constinit Atomic<Waker> waker;

// So many on one CPU do not wait for others.
constexpr uint32_t kHurryAt = 256;

bool is_idle(uint32_t counter) { return (counter & 1) != 0; }

}  // namespace

void retire(RcuHead& head, void (*reclaim)(RcuHead*)) {
  head.reclaim = reclaim;
  // Whichever CPU's list it is: the push is atomic.
  RcuCpu& cpu = rcu_cpu.nearby();
  Atomic<RcuHead*>& list = cpu.retired;
  RcuHead* first = list.load_relaxed();
  do {
    head.next = first;
  } while (!list.compare_exchange_acq_rel(first, &head));
  uint32_t count = cpu.count.load_relaxed() + 1;
  cpu.count.store_relaxed(count);
  bool hurry = count == kHurryAt;
  if (!hurry && (work_announced.load_relaxed() || work_announced.exchange_acq_rel(true))) return;
  if (Waker wake = waker.load_acquire()) wake(hurry);
}

void rcu_quiescent() {
  RcuCpu& cpu = rcu_cpu.mine();
  uint64_t number = begun_number.load_acquire();
  if (cpu.reported.load_relaxed() != number) cpu.reported.store_release(number);
}

void rcu_enter_idle() {
  Atomic<uint32_t>& idle = rcu_cpu.mine().idle;
  DCHECK(!is_idle(idle.load_relaxed()));
  idle.store_release(idle.load_relaxed() + 1);
}

void rcu_exit_idle() {
  Atomic<uint32_t>& idle = rcu_cpu.mine().idle;
  DCHECK(is_idle(idle.load_relaxed()));
  idle.store_relaxed(idle.load_relaxed() + 1);
  full_fence();  // pairs with the one in begin_grace_period()
}

namespace rcu {

void mark_offline(unsigned cpu) { rcu_cpu.on(cpu).idle.store_relaxed(1); }

void set_waker(Waker wake) {
  waker.store_release(wake);
  if (work_announced.load_acquire()) wake(false);
}

void hurry() {
  if (!work_announced.load_relaxed()) return;
  if (Waker wake = waker.load_acquire()) wake(true);
}

RcuHead* take_retired() {
  // Announced anew from here on: what is pushed behind our back gets its own wake-up.
  work_announced.exchange_acq_rel(false);
  RcuHead* list = nullptr;
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    RcuHead* head = rcu_cpu.on(cpu).retired.exchange_acq_rel(nullptr);
    rcu_cpu.on(cpu).count.store_relaxed(0);
    while (head != nullptr) {  // newest first there: turns it around
      RcuHead* older = head->next;
      head->next = list;
      list = head;
      head = older;
    }
  }
  return list;
}

size_t reclaim(RcuHead* list) {
  size_t count = 0;
  while (list != nullptr) {
    RcuHead* next = list->next;
    list->reclaim(list);
    list = next;
    ++count;
  }
  return count;
}

uint64_t begin_grace_period() {
  DCHECK(begun() == completed());
  uint64_t number = begun_number.load_relaxed() + 1;
  begun_number.store_seq_cst(number);
  full_fence();  // pairs with the one in rcu_exit_idle()
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    RcuCpu& state = rcu_cpu.on(cpu);
    state.idle_at_begin = state.idle.load_acquire();
    state.done = is_idle(state.idle_at_begin);
  }
  return number;
}

uint64_t holdouts() {
  uint64_t number = begun();
  uint64_t mask = 0;
  for (unsigned cpu = 0; cpu < per_cpu_count(); ++cpu) {
    RcuCpu& state = rcu_cpu.on(cpu);
    // Has it been idle since? Then it was quiescent, whatever it does now.
    if (!state.done)
      state.done = state.idle.load_acquire() != state.idle_at_begin ||
                   state.reported.load_acquire() >= number;
    if (!state.done) mask |= uint64_t{1} << cpu;
  }
  return mask;
}

bool grace_period_over() {
  if (holdouts() != 0) return false;
  full_fence();
  completed_number.store_release(begun());
  return true;
}

uint64_t begun() { return begun_number.load_acquire(); }
uint64_t completed() { return completed_number.load_acquire(); }

}  // namespace rcu
}  // namespace kernel
