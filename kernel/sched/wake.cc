// SPDX-License-Identifier: MIT
// Threads that become runnable or move: start, wake-up, the choice of a CPU, affinity. The ordering
// argument is in cpu_state.h.
#include "sched/cpu_state.h"

namespace kernel {

namespace {

constexpr unsigned state_bit(ThreadState state) { return 1u << static_cast<unsigned>(state); }

constexpr unsigned kSleeping = state_bit(ThreadState::Interruptible) |
                               state_bit(ThreadState::Killable) |
                               state_bit(ThreadState::Uninterruptible);

}  // namespace

bool Thread::wake() { return Scheduler::wake(*this, kSleeping); }
bool Thread::wake_for_signal() {
  return Scheduler::wake(*this, state_bit(ThreadState::Interruptible));
}
bool Thread::wake_for_kill() {
  return Scheduler::wake(*this, state_bit(ThreadState::Interruptible) |
                                    state_bit(ThreadState::Killable) |
                                    state_bit(ThreadState::Stopped));
}
bool Thread::wake_stopped() { return Scheduler::wake(*this, state_bit(ThreadState::Stopped)); }

void Thread::start() { Scheduler::start(*this); }

bool Scheduler::wake(Thread& thread, unsigned states) {
  full_fence();  // pairs with the one in sched::set_state
  if ((states & state_bit(thread.state())) == 0) return false;
  QueueGuard queue(thread);
  ThreadState seen = thread.state();
  do {
    if ((states & state_bit(seen)) == 0) return false;
  } while (!thread.state_.compare_exchange_acq_rel(seen, ThreadState::Runnable));
  if (thread.runnable_) return true;  // it has not left the queue yet
  thread.runnable_ = true;
  if (thread.blocks_load_) {
    thread.blocks_load_ = false;
    queue->blocked.fetch_sub_relaxed(1);
  }
  thread.runtime_at_wake_ = thread.entity_.runtime;
  settle(queue, thread, RunQueue::Arrival::Woken);
  return true;
}

// The scheduler's own reference lives until finish_switch() after the thread's exit.
void Scheduler::start(Thread& thread) {
  DCHECK(thread.state() == ThreadState::New);
  thread.ref();
  QueueGuard queue(thread);
  thread.state_.store_relaxed(ThreadState::Runnable);
  thread.runnable_ = true;
  settle(queue, thread, RunQueue::Arrival::New);
}

// On entry the lock of thread.cpu() is held; the thread is runnable_ and on no queue, so nobody
// else moves it. Affinity may change whenever the lock is dropped: it is looked at again under the
// new one.
void Scheduler::settle(QueueGuard& queue, Thread& thread, RunQueue::Arrival arrival) {
  for (;;) {
    unsigned target = choose_cpu(thread, arrival);
    if (target == queue.cpu()) break;
    thread.cpu_.store_relaxed(target);
    queue.change_to(target);
    if ((thread.affinity_ & cpu_bit(target)) != 0) break;
  }
  Nanoseconds now = clock::monotonic();
  Nanoseconds slept = now > thread.entity_.accounted ? now - thread.entity_.accounted : 0;
  bool used_up = charge(*queue, now);
  bool alone = queue->queue.count() == 1;
  queue->queue.add(thread.entity_, arrival, slept);
  queue->arrivals.store_relaxed(queue->arrivals.load_relaxed() + 1);
  publish_load(*queue);
  // The next wake-up looks for another idle CPU.
  if ((idle.load_relaxed() & cpu_bit(queue.cpu())) != 0)
    idle.fetch_and_acq_rel(~cpu_bit(queue.cpu()));
  // A CPU that ran one thread alone has no slice to end: it looks at its tick again.
  if (used_up || alone || queue->queue.should_preempt(thread.entity_)) kick(*queue, queue.cpu());
}

void Scheduler::kick(CpuState& state, unsigned cpu) {
  uint32_t work = state.current->work.fetch_or_acq_rel(kWorkReschedule);
  if ((work & kWorkReschedule) != 0) return;  // whoever set it has sent the interrupt
  if (cpu != this_cpu() && send_ipi != nullptr) send_ipi(cpu, sched::Ipi::Reschedule);
}

// The thread's work bits are set already; the exit of the interrupt looks at them.
void Scheduler::kick_running(const Thread& thread) {
  PreemptGuard guard;
  unsigned cpu = thread.cpu();
  if (thread.is_running() && cpu != this_cpu() && send_ipi != nullptr)
    send_ipi(cpu, sched::Ipi::Reschedule);
}
void sched::kick(const Thread& thread) { Scheduler::kick_running(thread); }

// Where it ran last when that CPU is idle (warm caches), else any idle one, else where it ran last.
// A new thread, which has no warm cache, goes where the load is least.
unsigned Scheduler::choose_cpu(const Thread& thread, RunQueue::Arrival arrival) {
  CpuMask allowed = thread.affinity_ & online.load_relaxed();
  unsigned last = thread.cpu();
  if (allowed == 0) return last;  // before its CPU is online
  CpuMask rests = idle.load_relaxed() & allowed;
  bool last_allowed = (allowed & cpu_bit(last)) != 0;
  if (rests != 0) {
    if ((rests & cpu_bit(last)) != 0) return last;
    CpuMask rotated = std::rotr(rests, static_cast<int>(last));
    unsigned found = (last + static_cast<unsigned>(std::countr_zero(rotated))) % 64;
    return found;
  }
  if (thread.entity_.is_realtime()) return least_priority(allowed, last);
  if (arrival == RunQueue::Arrival::Woken && last_allowed) return last;
  return least_loaded(allowed);
}

unsigned Scheduler::least_loaded(CpuMask allowed) {
  unsigned best = static_cast<unsigned>(std::countr_zero(allowed));
  for (CpuMask rest = allowed & (allowed - 1); rest != 0; rest &= rest - 1) {
    auto cpu = static_cast<unsigned>(std::countr_zero(rest));
    if (cpu_state(cpu).load.load_relaxed() < cpu_state(best).load.load_relaxed()) best = cpu;
  }
  return best;
}

unsigned Scheduler::least_priority(CpuMask allowed, unsigned preferred) {
  unsigned best = preferred;
  if ((allowed & cpu_bit(preferred)) == 0) best = static_cast<unsigned>(std::countr_zero(allowed));
  for (CpuMask rest = allowed; rest != 0; rest &= rest - 1) {
    auto cpu = static_cast<unsigned>(std::countr_zero(rest));
    if (cpu_state(cpu).priority.load_relaxed() < cpu_state(best).priority.load_relaxed())
      best = cpu;
  }
  return best;
}

Result<> Scheduler::set_affinity(Thread& thread, CpuMask mask) {
  if ((mask & online.load_acquire()) == 0) return Errno::Inval;
  {
    QueueGuard queue(thread);
    thread.affinity_ = mask;
    queue->arrivals.store_relaxed(queue->arrivals.load_relaxed() + 1);
    if ((mask & cpu_bit(queue.cpu())) != 0) return {};
    if (thread.entity_.queued) {
      charge(*queue, clock::monotonic());
      queue->queue.take(thread.entity_);
      publish_load(*queue);
      settle(queue, thread, RunQueue::Arrival::Moved);
      return {};
    }
    // Asleep or between two queues: the choice is made under the new mask.
    if (queue->current != &thread) return {};
    kick(*queue, queue.cpu());
  }
  // The calling thread has moved when the guard ended. Another one runs until its CPU takes the
  // interrupt.
  while (thread.is_running() && (mask & cpu_bit(thread.cpu())) == 0 && affinity(thread) == mask) {
    sched::yield();
  }
  return {};
}

CpuMask Scheduler::affinity(const Thread& thread) {
  QueueGuard queue(thread);
  return thread.affinity_;
}

Result<> Thread::set_affinity(CpuMask mask) { return Scheduler::set_affinity(*this, mask); }
CpuMask Thread::affinity() const { return Scheduler::affinity(*this); }

}  // namespace kernel
