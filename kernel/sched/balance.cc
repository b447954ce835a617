// SPDX-License-Identifier: MIT
// Load balance: a CPU that goes idle takes a waiting thread from the busiest, a busy one does so at
// some ticks when it is clearly less loaded, and a CPU with waiting threads wakes an idle one to
// come and take them. Only waiting threads move.
#include "sched/cpu_state.h"

namespace kernel {

namespace {

// The busiest other CPU that has a thread to spare; its number, or `cpu` when there is none.
unsigned busiest_but(unsigned cpu) {
  unsigned busiest = cpu;
  uint64_t most = 0;
  for (CpuMask rest = Scheduler::online.load_relaxed() & ~cpu_bit(cpu); rest != 0;
       rest &= rest - 1) {
    auto other = static_cast<unsigned>(std::countr_zero(rest));
    CpuState& state = cpu_state(other);
    if (state.runnable.load_relaxed() < 2 || state.load.load_relaxed() <= most) continue;
    most = state.load.load_relaxed();
    busiest = other;
  }
  return busiest;
}

// Two run queues, in the order of the CPU numbers. Interrupts masked, preemption off.
class TwoQueues : public Pinned {
 public:
  TwoQueues(unsigned a, unsigned b) : low_(a < b ? a : b), high_(a < b ? b : a) {
    SchedulerLockAccess::acquire(cpu_state(low_).lock, low_);
    SchedulerLockAccess::acquire(cpu_state(high_).lock, high_);
  }
  ~TwoQueues() {
    SchedulerLockAccess::release(cpu_state(high_).lock);
    SchedulerLockAccess::release(cpu_state(low_).lock);
  }

 private:
  unsigned low_;
  unsigned high_;
};

}  // namespace

// For an idle CPU: whatever waits elsewhere. True when it has something to run now. An idle CPU
// that is woken often does not look again where there was nothing for it and nothing has come
// since: it would take the busy CPU's lock each time.
bool Scheduler::pull_work(unsigned cpu) {
  unsigned busiest = busiest_but(cpu);
  if (busiest == cpu) return false;
  CpuState& mine = cpu_state(cpu);
  CpuState& theirs = cpu_state(busiest);
  uint32_t arrivals = theirs.arrivals.load_relaxed();
  if (mine.barren_cpu == busiest && mine.barren_arrivals == arrivals) return false;
  TwoQueues queues(cpu, busiest);
  if (mine.queue.count() != 0) return true;
  if (take_one(theirs, mine, cpu, ~uint64_t{0})) return true;
  mine.barren_cpu = busiest;
  mine.barren_arrivals = arrivals;
  return false;
}

void Scheduler::balance_at_tick(unsigned cpu) {
  offer_to_idle(cpu);
  CpuState& mine = cpu_state(cpu);
  if (++mine.ticks % kBalanceTicks != 0) return;
  unsigned busiest = busiest_but(cpu);
  if (busiest == cpu) return;
  CpuState& theirs = cpu_state(busiest);
  if (theirs.load.load_relaxed() <= mine.load.load_relaxed()) return;
  preempt_disable();
  {
    TwoQueues queues(cpu, busiest);
    uint64_t my_load = mine.queue.load();
    uint64_t their_load = theirs.queue.load();
    if (their_load > my_load && take_one(theirs, mine, cpu, their_load - my_load)) kick(mine, cpu);
  }
  preempt_enable();
}

// Moves the first waiting thread that may run here and whose weight is below the difference of the
// two loads: then the greater of them becomes smaller.
bool Scheduler::take_one(CpuState& from, CpuState& to, unsigned to_cpu,
                         uint64_t difference) {
  if (from.queue.count() < 2) return false;
  for (SchedEntity* at = from.queue.first_to_move(); at != nullptr;
       at = from.queue.next_to_move(*at)) {
    Thread& thread = *at->thread;
    if ((thread.affinity_ & cpu_bit(to_cpu)) == 0 || RunQueue::load_of(*at) >= difference) continue;
    Nanoseconds now = clock::monotonic();
    charge(from, now);
    charge(to, now);
    from.queue.take(*at);
    thread.cpu_.store_relaxed(to_cpu);
    to.queue.add(*at, RunQueue::Arrival::Moved);
    publish_load(from);
    publish_load(to);
    return true;
  }
  return false;
}

// Idle CPUs have no tick of their own: one that has too much wakes one of them.
void Scheduler::offer_to_idle(unsigned cpu) {
  CpuState& state = cpu_state(cpu);
  CpuMask rests = idle.load_relaxed() & online.load_relaxed();
  if (rests == 0 || state.runnable.load_relaxed() < 2 || send_ipi == nullptr) return;
  CpuMask wanted = 0;
  {
    QueueGuard queue(cpu);
    for (SchedEntity* at = state.queue.first_to_move(); at != nullptr && (wanted & rests) == 0;
         at = state.queue.next_to_move(*at)) {
      wanted |= at->thread->affinity_;
    }
  }
  if ((wanted & rests) == 0) return;
  send_ipi(static_cast<unsigned>(std::countr_zero(wanted & rests)), sched::Ipi::Reschedule);
}

}  // namespace kernel
