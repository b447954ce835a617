// SPDX-License-Identifier: MIT
// The thread that drives RCU: it begins grace periods, waits for them, and runs what was retired.
// It sleeps while there is nothing, and lets what is retired gather for a while, so that a round
// serves many; a CPU that holds a grace period up for long gets an interrupt.
#include "sched/rcu_thread.h"

#include "sched/cpu_state.h"
#include "sched/wait_queue.h"

namespace kernel {

namespace {

// How often the end of a grace period is looked for, and when the holdouts are interrupted: a
// reader is short, a CPU in user mode reports at its tick or at that interrupt.
constexpr Nanoseconds kPollPeriod = 1'000'000;
constexpr unsigned kPollsBeforeInterrupt = 2;
// How long the first of a batch waits for others, when nobody is in a hurry.
constexpr Nanoseconds kGathering = 2'000'000;

constinit Atomic<bool> announced;        // something was retired
constinit Atomic<bool> hurried;          // and it is much
constinit Atomic<bool> asleep;           // without a time limit: the thread waits for the above
constinit Atomic<uint64_t> wanted;       // grace periods up to this number are waited for
constinit Atomic<uint64_t> barriers_asked;
constinit Atomic<uint64_t> barriers_done;
constinit Atomic<Thread*> rcu_thread;
constinit WaitQueue progress;            // a grace period or a barrier was completed

// Anywhere that retire() is. A thread that does not sleep for good looks by itself.
void wake_thread(bool hurry) {
  if (hurry) hurried.store_release(true);
  announced.store_seq_cst(true);
  Thread* thread = rcu_thread.load_acquire();
  if (thread != nullptr && (hurry || asleep.load_seq_cst())) thread->wake();
}

bool is_urgent() {
  return hurried.load_acquire() || wanted.load_acquire() > rcu::completed() ||
         barriers_asked.load_acquire() > barriers_done.load_acquire();
}

void sleep_until_work() {
  asleep.store_seq_cst(true);
  for (;;) {
    sched::set_state(ThreadState::Interruptible);
    if (announced.load_seq_cst() || is_urgent()) break;
    sched::schedule();
  }
  sched::set_state(ThreadState::Runnable);
  asleep.store_relaxed(false);
}

void gather() {
  Deadline end = Deadline::after(kGathering);
  for (;;) {
    sched::set_state(ThreadState::Interruptible);
    if (is_urgent() || clock::monotonic() >= end.at) break;
    sched::schedule_until(end);
  }
  sched::set_state(ThreadState::Runnable);
  hurried.store_release(false);
}

void interrupt_holdouts() {
  PreemptGuard guard;
  for (CpuMask rest = rcu::holdouts() & sched::online_cpus(); rest != 0; rest &= rest - 1) {
    auto cpu = static_cast<unsigned>(std::countr_zero(rest));
    QueueGuard queue(cpu);
    Scheduler::kick(*queue, cpu);
  }
}

void run_grace_period() {
  rcu::begin_grace_period();
  for (unsigned polls = 0; !rcu::grace_period_over(); ++polls) {
    if (polls >= kPollsBeforeInterrupt) interrupt_holdouts();
    sched::set_state(ThreadState::Interruptible);
    sched::schedule_until(Deadline::after(kPollPeriod));
  }
  progress.wake_all();
}

[[noreturn]] void run(void*) {
  for (;;) {
    sleep_until_work();
    gather();
    announced.store_release(false);
    uint64_t barrier = barriers_asked.load_acquire();
    RcuHead* retired = rcu::take_retired();
    run_grace_period();
    rcu::reclaim(retired);
    // The first round after a request takes everything that was retired before it.
    if (barrier > barriers_done.load_relaxed()) {
      barriers_done.store_release(barrier);
      progress.wake_all();
    }
  }
}

}  // namespace

namespace sched {

Result<> start_rcu_thread() {
  Ref<Thread> thread = TRY(Thread::create_kernel("rcu", run, nullptr));
  thread->start();
  rcu_thread.store_release(std::move(thread).leak());  // it lives for good
  rcu::set_waker(wake_thread);
  return {};
}

}  // namespace sched

void synchronize_rcu() {
  lockdep::assert_no_locks_held();
  if (rcu_thread.load_acquire() == nullptr)
    return;  // boot: the only thread, and it reads nothing here
  uint64_t target = rcu::begun() + 1;
  uint64_t seen = wanted.load_relaxed();
  while (seen < target && !wanted.compare_exchange_acq_rel(seen, target)) {
  }
  rcu_thread.load_acquire()->wake();
  ignore(progress.wait([target] { return rcu::completed() >= target; }, WaitMode::Uninterruptible));
}

void rcu_barrier() {
  lockdep::assert_no_locks_held();
  if (rcu_thread.load_acquire() == nullptr) {
    rcu::reclaim(rcu::take_retired());
    return;
  }
  uint64_t ticket = barriers_asked.fetch_add_acq_rel(1) + 1;
  rcu_thread.load_acquire()->wake();
  ignore(progress.wait([ticket] { return barriers_done.load_acquire() >= ticket; },
                       WaitMode::Uninterruptible));
}

}  // namespace kernel
