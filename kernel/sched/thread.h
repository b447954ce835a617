// SPDX-License-Identifier: MIT
// A schedulable thread: kernel stack, saved context, scheduling state. It knows nothing of Linux
// processes; task::Task derives from it (user threads) or it stands alone (kernel threads).
#pragma once

#include "arch/context.h"
#include "arch/trap_frame.h"
#include "arch/thread_base.h"
#include "lib/list.h"
#include "lib/ref.h"
#include "lib/string_view.h"
#include "lib/tree.h"
#include "sched/clock.h"
#include "sync/lock_order.h"
#include "sync/rcu.h"
#include "sync/spin_lock.h"

namespace kernel {

class AddressSpace;
class Thread;

using CpuMask = uint64_t;
static_assert(kMaxCpus <= 64);

enum class ThreadState : uint8_t {
  New,              // not started yet
  Runnable,         // on a run queue or running
  Interruptible,    // asleep; a wake-up, a signal or a timeout ends it
  Killable,         // asleep; a wake-up, a fatal signal or a timeout ends it
  Uninterruptible,  // asleep; a wake-up or a timeout ends it
  Stopped,          // group stop (or trace stop); SIGCONT or SIGKILL ends it
  Dead,
};

// Linux's numbers (sched(7)).
enum class SchedPolicy : uint8_t { Normal = 0, Fifo = 1, RoundRobin = 2, Batch = 3, Idle = 5 };

struct SchedParameters {
  SchedPolicy policy = SchedPolicy::Normal;
  int8_t nice = 0;            // -20..19, fair classes
  uint8_t rt_priority = 0;    // 1..99, real-time classes
  bool reset_on_fork = false;
};

// What a run queue keeps of a thread. Guarded by the lock of the run queue of `cpu`.
struct SchedEntity {
  SchedParameters parameters;
  uint64_t virtual_runtime = 0;
  uint64_t virtual_deadline = 0;
  uint64_t weight = 1024;
  Nanoseconds slice_left = 0;
  Nanoseconds run_start = 0;      // when it was put on the CPU
  bool queued = false;
};

struct RunQueueTag {};
struct ThreadListTag {};

class Thread : public ThreadBase,
               public RefCounted<Thread>,
               public RcuHead,
               public TreeNode<Thread, RunQueueTag>,
               public ListNode<Thread, RunQueueTag> {
 public:
  static constexpr size_t kNameSize = 16;

  // A kernel thread, not yet running: start() it. `name` is cut to 15 characters.
  static Result<Ref<Thread>> create_kernel(StringView name, void (*entry)(void*), void* argument);

  // Makes a New thread runnable, on a CPU of its affinity. Once.
  void start();

  // Wakes the thread when its state is one of those given; returns whether it was asleep so. Any
  // context. Orders the caller's earlier stores before the sleeper's check of its condition.
  bool wake();                 // Interruptible, Killable, Uninterruptible
  bool wake_for_signal();      // Interruptible
  bool wake_for_kill();        // Interruptible, Killable, Stopped
  bool wake_stopped();         // Stopped

  ThreadState state() const { return state_.load_relaxed(); }
  unsigned cpu() const { return cpu_.load_relaxed(); }
  StringView name() const;
  void set_name(StringView name);

  // sched_setscheduler, setpriority, sched_setaffinity. Any thread.
  void set_parameters(const SchedParameters& parameters);
  SchedParameters parameters() const;
  // Moves the thread when it is on a CPU outside the mask. Errors: Inval when no CPU of it is online.
  Result<> set_affinity(CpuMask mask);
  CpuMask affinity() const;

  // CPU time so far, including a present run.
  Nanoseconds user_time() const;
  Nanoseconds system_time() const;
  uint64_t voluntary_switches() const { return voluntary_switches_.load_relaxed(); }
  uint64_t involuntary_switches() const { return involuntary_switches_.load_relaxed(); }

  bool is_user() const { return user_state_ != nullptr; }
  arch::TrapFrame& user_frame() { return arch::user_frame(stack_top); }

  static void last_unref(Thread* thread);

 protected:
  Thread() = default;
  virtual ~Thread();
  // Gives the thread a stack and a context that starts at entry(argument).
  Result<> prepare(void (*entry)(void*), void* argument);

 public:
  // The live user address space; null for kernel threads, which borrow the one before. Changed only by
  // the thread itself (exec, exit) with preemption off, through sched::switch_address_space().
  AddressSpace* address_space = nullptr;

 protected:
  arch::UserState* user_state_ = nullptr;  // in the derived object; null: kernel thread

 private:
  friend class Scheduler;
  arch::Context context_{};
  Atomic<ThreadState> state_{ThreadState::New};
  Atomic<uint32_t> cpu_{};
  Atomic<bool> on_cpu_{};   // its context is live on a CPU: whoever wants to run it elsewhere waits
  SchedEntity entity_;
  CpuMask affinity_ = ~CpuMask{0};
  Atomic<uint64_t> user_time_;
  Atomic<uint64_t> system_time_;
  Atomic<uint64_t> voluntary_switches_;
  Atomic<uint64_t> involuntary_switches_;
  char name_[kNameSize] = {};
};

// The running thread. Any thread context; in an interrupt, the thread that was interrupted.
inline Thread& current() { return *static_cast<Thread*>(arch::current_thread()); }

}  // namespace kernel
