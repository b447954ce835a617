// SPDX-License-Identifier: MIT
// Inside of the scheduler: the state of one CPU, and the operations on it that several files share.
// Nothing outside sched/ includes this.
//
// Locks. A run queue's lock guards the queue, what CpuState says it guards, and the scheduling
// fields of every thread whose cpu() is that CPU. It is held across a context switch: the thread
// that switches away takes it, the one that comes back releases it (SchedulerLockAccess). Who holds
// the lock of a thread's CPU and finds the thread neither waiting nor running therefore knows that
// its context is saved completely. Two run queue locks are taken in the order of the CPU numbers.
//
// Sleep and wake-up, the one place where the fences are argued:
//
//     sleeper                                   waker
//     state = Interruptible                     condition = true
//     full fence         (set_state)            full fence          (wake)
//     test of the condition                     test of the state
//     schedule(): lock; state != Runnable?      lock; state: Interruptible -> Runnable (CAS)
//
//   Of the two tests after the fences at least one sees the other side's store: the sleeper finds
//   the condition, or the waker finds the state. In the second case the lock decides. The waker
//   first: the sleeper finds itself Runnable in schedule() and goes on. The sleeper first: it is
//   off the queue, its context saved when the lock is free again, and the waker puts it on a queue.
//   A thread that was preempted between its set_state() and schedule() stays on the queue in its
//   sleeping state (runnable_): the waker changes the state and nothing else.
#pragma once

#include "sched/run_queue.h"
#include "sched/scheduler.h"
#include "sync/per_cpu.h"

namespace kernel {

// How run queue locks are taken and released: by run-time choice of the queue, and by different
// threads around a context switch. Interrupts masked and preemption off throughout. The compiler's
// lock analysis can follow neither, so that CpuState's fields carry no annotation: they are reached
// through QueueGuard or inside reschedule(), and by nobody outside sched/.
class SchedulerLockAccess {
 public:
  using Lock = SpinLock<LockRank::RunQueue>;

  static void acquire(Lock& lock, unsigned cpu) {
    lockdep::acquire(&lock, LockRank::RunQueue, cpu, true);
    lock_counters::note(LockRank::RunQueue, lock.ticket_.acquire());
  }
  static void release(Lock& lock) {
    lock.ticket_.release();
    lockdep::release(&lock);
  }
  // The order check keeps a list per thread: the lock changes hands from the one to the other.
  static void hand_over(Lock& lock) { lockdep::release(&lock); }
  static void take_over(Lock& lock, unsigned cpu) {
    lockdep::acquire(&lock, LockRank::RunQueue, cpu, true);
  }
};

// What becomes of the thread that is switched away from.
enum class Fate : uint8_t {
  Waits,   // on the queue
  Sleeps,
  Moves,   // its affinity excludes this CPU: the next thread sends it to another
  Ends,    // the next thread drops the scheduler's reference
};

struct CpuState : Pinned {
  SchedulerLockAccess::Lock lock;  // guards what is below, but for what says otherwise
  RunQueue queue;
  Thread* current = nullptr;
  Thread* idle = nullptr;

  // From the thread that switches away to the one that comes.
  Thread* previous = nullptr;
  Fate fate = Fate::Waits;

  // Hints for the choice of a CPU, read without the lock.
  Atomic<uint64_t> load;
  Atomic<uint32_t> runnable;
  Atomic<uint32_t> priority;   // real-time priority of the current thread
  Atomic<uint32_t> arrivals;   // threads that came to wait here and may perhaps run elsewhere

  // This CPU only: where it last found nothing to take, and how many arrivals there were then.
  unsigned barren_cpu = 0;
  uint32_t barren_arrivals = 0;

  // The pending tick; kForever: none. This CPU only, interrupts masked.
  Nanoseconds tick_at = kForever;
  uint32_t ticks = 0;
  bool interrupted_user = false;

  // Accounting.
  sched::CpuTimes times{};
  Nanoseconds unsampled = 0;  // busy time since the last sample
  uint64_t switches = 0;
  Atomic<int64_t> blocked;    // put to sleep minus woken here, in states that count for the load
};

extern PerCpu<CpuState> cpu_states;

inline CpuState& cpu_state(unsigned cpu) { return cpu_states.on(cpu); }
constexpr CpuMask cpu_bit(unsigned cpu) { return CpuMask{1} << cpu; }

// The critical section over the run queue of a thread (which may change while one waits for the
// lock) or of a CPU.
class QueueGuard : public Pinned {
 public:
  explicit QueueGuard(const Thread& thread);
  explicit QueueGuard(unsigned cpu);
  ~QueueGuard();

  unsigned cpu() const { return cpu_; }
  CpuState& operator*() const { return cpu_state(cpu_); }
  CpuState* operator->() const { return &cpu_state(cpu_); }
  // Releases this queue's lock and takes the other's.
  void change_to(unsigned cpu);

 private:
  void enter(unsigned cpu);
  void leave();
  arch::IrqState irq_state_;
  unsigned cpu_;
};

class Scheduler {
 public:
  enum class Reason : uint8_t { Voluntary, Preempted, Yield };
  static constexpr Nanoseconds kTickPeriod = 10'000'000;  // USER_HZ
  static constexpr Nanoseconds kLeastTick = 100'000;
  static constexpr unsigned kBalanceTicks = 4;

  // --- scheduler.cc. Interrupts masked.
  static void reschedule(Reason reason);
  static void begin_thread(void* thread);
  static void adopt_idle(unsigned cpu, Thread& thread);

  // --- wake.cc. Any context.
  static bool wake(Thread& thread, unsigned states);
  static void start(Thread& thread);
  // Puts a runnable thread that is on no queue on one that its affinity allows.
  static void settle(QueueGuard& queue, Thread& thread, RunQueue::Arrival arrival);
  // The CPU's current thread is to be rescheduled soon. Lock of that CPU held.
  static void kick(CpuState& state, unsigned cpu);
  static void kick_running(const Thread& thread);
  static Result<> set_affinity(Thread& thread, CpuMask mask);
  static CpuMask affinity(const Thread& thread);

  // --- balance.cc. Interrupts masked, no lock.
  static bool pull_work(unsigned cpu);
  static void balance_at_tick(unsigned cpu);

  // --- accounting.cc.
  // Charges the CPU's current thread up to now. True when its slice is used up. Lock held.
  static bool charge(CpuState& state, Nanoseconds now);
  static void tick(Nanoseconds now);
  static void arm_tick(CpuState& state, Nanoseconds now);
  static void publish_load(CpuState& state);
  static CpuUsage cpu_usage(const Thread& thread);
  static Nanoseconds run_time(const Thread& thread);
  static Nanoseconds run_time_since_wake(const Thread& thread);
  static void update_load_average(Nanoseconds now);

  static void set_parameters(Thread& thread, const SchedParameters& parameters);
  static SchedParameters parameters(const Thread& thread);
  // Priority inheritance. set_donated: true when the thread runs differently now.
  static bool set_donated(Thread& thread, const std::optional<SchedParameters>& donated);
  static SchedParameters effective_parameters(const Thread& thread);

  static bool needs_reschedule() {
    return (arch::current_thread()->work.load_relaxed() & kWorkReschedule) != 0;
  }

  static Atomic<CpuMask> online;
  static Atomic<CpuMask> idle;    // in run_idle(), with nothing to run
  static sched::SendIpi send_ipi;
  static sched::LoadAddressSpace load_address_space;
  static sched::TickHook tick_hook;

  static void set_current_state(ThreadState state);

 private:
  static Fate fate_of(CpuState& state, Thread& thread, Reason reason);
  static void switch_to(CpuState& state, Thread& next, Fate fate, Nanoseconds now);
  static void finish_switch();
  static unsigned choose_cpu(const Thread& thread, RunQueue::Arrival arrival);
  static unsigned least_loaded(CpuMask allowed);
  static unsigned least_priority(CpuMask allowed, unsigned preferred);
  static bool take_one(CpuState& from, CpuState& to, unsigned to_cpu, uint64_t difference);
  static void offer_to_idle(unsigned cpu);
  static bool apply_parameters(QueueGuard& queue, Thread& thread);
};

}  // namespace kernel
