// SPDX-License-Identifier: MIT
// The context switch and its callers: sleep, yield, preemption, exit, idle. Wake-ups are in
// wake.cc, the policies in run_queue.cc.
#include "sched/scheduler.h"

#include <new>

#include "sched/cpu_state.h"
#include "sched/timer.h"

namespace kernel {

PER_CPU(CpuState, cpu_states);

constinit Atomic<CpuMask> Scheduler::online;
constinit Atomic<CpuMask> Scheduler::idle;
constinit sched::SendIpi Scheduler::send_ipi = nullptr;
constinit sched::LoadAddressSpace Scheduler::load_address_space = nullptr;
constinit sched::TickHook Scheduler::tick_hook = nullptr;

QueueGuard::QueueGuard(const Thread& thread) : irq_state_(arch::disable_interrupts()) {
  for (;;) {
    enter(thread.cpu());
    if (thread.cpu() == cpu_) return;
    leave();
  }
}

QueueGuard::QueueGuard(unsigned cpu) : irq_state_(arch::disable_interrupts()) {
  enter(cpu);
}

QueueGuard::~QueueGuard() {
  leave();
  arch::restore_interrupts(irq_state_);
  preempt_if_due();
}

void QueueGuard::change_to(unsigned cpu) {
  leave();
  enter(cpu);
}

void QueueGuard::enter(unsigned cpu) {
  cpu_ = cpu;
  SchedulerLockAccess::acquire(cpu_state(cpu).lock, cpu);
}

void QueueGuard::leave() {
  SchedulerLockAccess::release(cpu_state(cpu_).lock);
}

// Whoever calls this returns when the thread runs again, perhaps on another CPU.
// The lock taken here is released by the thread that comes in, in finish_switch().
void Scheduler::reschedule(Reason reason) {
  Thread& thread = current();
  preempt_disable();
  rcu_quiescent();
  CpuState& state = cpu_states.mine();
  SchedulerLockAccess::acquire(state.lock, this_cpu());
  thread.work.fetch_and_relaxed(~uint32_t{kWorkReschedule});
  Nanoseconds now = clock::monotonic();
  charge(state, now);

  Fate fate = fate_of(state, thread, reason);
  SchedEntity* chosen = state.queue.pick_next();
  Thread& next = chosen != nullptr ? *chosen->thread : *state.idle;
  publish_load(state);
  if (&next == &thread) {
    arm_tick(state, now);
    SchedulerLockAccess::release(state.lock);
  } else {
    switch_to(state, next, fate, now);
  }
  // Not preempt_enable(): the caller looks at the work bits again.
  thread.preempt_count = thread.preempt_count - 1;
}

Fate Scheduler::fate_of(CpuState& state, Thread& thread, Reason reason) {
  if (&thread == state.idle) return Fate::Waits;
  ThreadState thread_state = thread.state();
  if (reason == Reason::Voluntary && thread_state != ThreadState::Runnable) {
    state.queue.drop_current();
    thread.runnable_ = false;
    thread.blocks_load_ =
        thread_state == ThreadState::Uninterruptible || thread_state == ThreadState::Killable;
    if (thread.blocks_load_) state.blocked.fetch_add_relaxed(1);
    return thread_state == ThreadState::Dead ? Fate::Ends : Fate::Sleeps;
  }
  if ((thread.affinity_ & cpu_bit(thread.cpu())) == 0) {
    state.queue.drop_current();
    return Fate::Moves;
  }
  if (reason == Reason::Yield) state.queue.yield_current();
  return Fate::Waits;
}

void Scheduler::switch_to(CpuState& state, Thread& next, Fate fate,
                          Nanoseconds now) {
  Thread& thread = current();
  Atomic<uint64_t>& count = fate == Fate::Waits || fate == Fate::Moves
                                ? thread.involuntary_switches_
                                : thread.voluntary_switches_;
  count.store_relaxed(count.load_relaxed() + 1);  // written under the lock only
  // A thread that waits now and may run elsewhere is one for others to take (pull_work).
  if (fate == Fate::Waits && (thread.affinity_ & (thread.affinity_ - 1)) != 0) {
    state.arrivals.store_relaxed(state.arrivals.load_relaxed() + 1);
  }
  ++state.switches;
  state.previous = &thread;
  state.fate = fate;
  state.current = &next;
  next.entity_.accounted = now;
  next.on_cpu_.store_relaxed(true);
  arm_tick(state, now);

  // The kernel itself uses no vector register: the next thread's can be loaded before the switch.
  if (thread.notes_switches) thread.work.fetch_or_relaxed(kWorkSwitched);
  if (thread.user_state_ != nullptr) arch::save_user_state(*thread.user_state_);
  if (next.user_state_ != nullptr) arch::load_user_state(*next.user_state_);
  if (next.address_space != thread.address_space && load_address_space != nullptr) {
    load_address_space(next.address_space);
  }
  SchedulerLockAccess::hand_over(state.lock);
  arch::set_current_thread(&next);
  arch::switch_context(&thread.context_, &next.context_);
  finish_switch();
}

// The first steps of the thread that comes in. It may have come to another CPU than it left.
void Scheduler::finish_switch() {
  CpuState& state = cpu_states.mine();
  SchedulerLockAccess::take_over(state.lock, this_cpu());
  Thread& previous = *state.previous;
  Fate fate = state.fate;
  previous.on_cpu_.store_release(false);
  SchedulerLockAccess::release(state.lock);
  // A thread that waits or sleeps may run, end and be freed from here on.
  if (fate == Fate::Ends) {
    previous.unref();
  } else if (fate == Fate::Moves) {
    QueueGuard queue(previous);
    settle(queue, previous, RunQueue::Arrival::Moved);
  }
}

// Where a new thread's context starts: preempt_count is 1, interrupts are masked.
void Scheduler::begin_thread(void* argument) {
  finish_switch();
  auto& thread = *static_cast<Thread*>(argument);
  arch::enable_interrupts();
  preempt_enable();
  thread.entry_(thread.argument_);
  sched::exit_thread();
}

void Scheduler::adopt_idle(unsigned cpu, Thread& thread) {
  CpuState& state = cpu_state(cpu);
  thread.state_.store_relaxed(ThreadState::Runnable);
  thread.cpu_.store_relaxed(cpu);
  thread.affinity_ = cpu_bit(cpu);
  thread.runnable_ = true;
  thread.on_cpu_.store_relaxed(true);
  thread.entity_.accounted = clock::monotonic();
  thread.preempt_count = 1;  // an idle thread chooses itself when to give way
  state.idle = &thread;
  QueueGuard queue(cpu);
  queue->current = &thread;
}

void Scheduler::set_current_state(ThreadState state) {
  current().state_.store_relaxed(state);
  full_fence();  // pairs with the one in wake() (cpu_state.h)
}

// An interrupt found a preemptible kernel context and a reschedule is due.
void preempt_from_interrupt() {
  while (Scheduler::needs_reschedule()) Scheduler::reschedule(Scheduler::Reason::Preempted);
}

void preempt_schedule() {
  // With interrupts masked this is inside somebody's critical section, or in an interrupt whose
  // exit looks at the work bits itself.
  if (!arch::interrupts_enabled()) return;
  arch::IrqState state = arch::disable_interrupts();
  preempt_from_interrupt();
  arch::restore_interrupts(state);
}

namespace sched {

namespace {

class IdleThread final : public Thread {
 public:
  IdleThread() { set_name("idle"); }
  // A secondary's entry is in boot code; the context is not used to start it.
  Result<> make_stack() {
    return prepare([](void*) {}, nullptr);
  }
};

// The boot thread is never freed and needs no stack of its own making.
alignas(IdleThread) constinit unsigned char boot_thread[sizeof(IdleThread)] = {};

}  // namespace

void init() {
  ThreadBase* early = arch::current_thread();
  auto* thread = new (&boot_thread) IdleThread;
  thread->stack_top = early->stack_top;
  thread->stack_bottom = early->stack_bottom;
  arch::IrqState state = arch::disable_interrupts();
  thread->preempt_count = 1;
  arch::set_current_thread(thread);
  Scheduler::adopt_idle(0, *thread);
  set_online(0);
  arch::restore_interrupts(state);
}

Result<Ref<Thread>> create_idle(unsigned cpu) {
  Ref<IdleThread> thread = TRY(make_ref<IdleThread>());
  TRY(thread->make_stack());
  Scheduler::adopt_idle(cpu, *thread);
  return Ref<Thread>(thread);
}

void set_online(unsigned cpu) { Scheduler::online.fetch_or_acq_rel(cpu_bit(cpu)); }

CpuMask online_cpus() { return Scheduler::online.load_acquire(); }

unsigned online_cpu_count() { return static_cast<unsigned>(std::popcount(online_cpus())); }

// Interrupts are masked from the last look at the work bits to the wait: an interrupt that comes in
// between stays pending and ends the wait at once.
void run_idle() {
  unsigned cpu = this_cpu();
  DCHECK(current().preempt_count == 1);
  arch::disable_interrupts();
  if (cpu != 0) rcu_exit_idle();  // a secondary CPU is idle to RCU from before its start
  for (;;) {
    arch::disable_interrupts();
    if (Scheduler::needs_reschedule() || Scheduler::pull_work(cpu)) {
      Scheduler::reschedule(Scheduler::Reason::Voluntary);
    } else {
      Scheduler::idle.fetch_or_acq_rel(cpu_bit(cpu));
      rcu_enter_idle();
      arch::wait_for_interrupt();
      rcu_exit_idle();
      Scheduler::idle.fetch_and_acq_rel(~cpu_bit(cpu));
    }
    arch::enable_interrupts();
  }
}

void set_state(ThreadState state) { Scheduler::set_current_state(state); }

void schedule() {
  DCHECK(current().preempt_count == 0);
  arch::IrqState state = arch::disable_interrupts();
  Scheduler::reschedule(Scheduler::Reason::Voluntary);
  preempt_from_interrupt();
  arch::restore_interrupts(state);
}

void yield() {
  DCHECK(current().preempt_count == 0);
  arch::IrqState state = arch::disable_interrupts();
  Scheduler::reschedule(Scheduler::Reason::Yield);
  preempt_from_interrupt();
  arch::restore_interrupts(state);
}

namespace {

class SleepTimer : public Timer {
 public:
  explicit SleepTimer(Thread& thread) : Timer(expire), thread_(thread) {}
  bool expired() const { return expired_.load_acquire(); }

 private:
  static void expire(Timer& timer) {
    auto& self = static_cast<SleepTimer&>(timer);
    self.expired_.store_release(true);
    self.thread_.wake();
  }
  Thread& thread_;
  Atomic<bool> expired_;
};

}  // namespace

bool schedule_until(Deadline deadline) {
  if (deadline.at == kForever) {
    schedule();
    return true;
  }
  if (deadline.at <= clock::monotonic()) {
    set_state(ThreadState::Runnable);
    return false;
  }
  SleepTimer timer(current());
  timer.arm(deadline);
  schedule();
  timer.cancel_and_wait();
  return !timer.expired();
}

void sleep_until(Deadline deadline) {
  do {
    set_state(ThreadState::Uninterruptible);
  } while (schedule_until(deadline) || clock::monotonic() < deadline.at);
}

void exit_thread() {
  arch::disable_interrupts();
  set_state(ThreadState::Dead);
  Scheduler::reschedule(Scheduler::Reason::Voluntary);
  panic("a dead thread runs");
}

bool signal_pending() {
  return (arch::current_thread()->work.load_acquire() & (kWorkSignal | kWorkKill)) != 0;
}

bool kill_pending() { return (arch::current_thread()->work.load_acquire() & kWorkKill) != 0; }

void switch_address_space(AddressSpace* space) {
  PreemptGuard guard;
  arch::IrqState state = arch::disable_interrupts();
  current().address_space = space;
  if (Scheduler::load_address_space != nullptr) Scheduler::load_address_space(space);
  arch::restore_interrupts(state);
}

void set_address_space_loader(LoadAddressSpace load) { Scheduler::load_address_space = load; }
void set_ipi_sender(SendIpi send) { Scheduler::send_ipi = send; }
void set_tick_hook(TickHook hook) { Scheduler::tick_hook = hook; }

}  // namespace sched
}  // namespace kernel
