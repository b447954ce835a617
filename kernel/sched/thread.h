// SPDX-License-Identifier: MIT
// A schedulable thread: kernel stack, saved context, scheduling state. It knows nothing of Linux
// processes; task::Task derives from it (user threads) or it stands alone (kernel threads).
#pragma once

#include "arch/context.h"
#include "arch/trap_frame.h"
#include "arch/thread_base.h"
#include "arch/trap_frame.h"
#include "lib/ref.h"
#include "lib/string_view.h"
#include "sched/entity.h"
#include "sync/lock_order.h"
#include "sync/rcu.h"
#include "sync/spin_lock.h"

namespace kernel {

class AddressSpace;
class File;
class InheritingLock;
struct LockWaiter;
namespace jbd2 {
class Handle;
}

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

// CPU time by mode. The sum is exact, the division is sampled by the tick.
struct CpuUsage {
  Nanoseconds user = 0;
  Nanoseconds system = 0;
};

class Thread : public ThreadBase, public RefCounted<Thread>, public RcuHead {
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
  // On a CPU at this moment; a hint for anybody but the thread itself.
  bool is_running() const { return on_cpu_.load_acquire(); }
  StringView name() const;
  void set_name(StringView name);

  // sched_setscheduler, setpriority, sched_setaffinity. Any thread.
  void set_parameters(const SchedParameters& parameters);
  SchedParameters parameters() const;
  // With what others donate to it (priority_inheritance.h).
  SchedParameters effective_parameters() const;
  // Before start(): what a child inherits from its parent.
  void inherit_scheduling(const Thread& parent);
  // On return the thread runs on no CPU outside the mask. Thread context, no lock held. Errors:
  // Inval when no CPU of the mask is online.
  Result<> set_affinity(CpuMask mask);
  CpuMask affinity() const;

  // CPU time so far, including a present run.
  CpuUsage cpu_usage() const;
  Nanoseconds run_time() const;
  Nanoseconds user_time() const { return cpu_usage().user; }
  Nanoseconds system_time() const { return cpu_usage().system; }
  // Of that, since it last slept or became a real-time thread (RLIMIT_RTTIME).
  Nanoseconds run_time_since_wake() const;
  uint64_t voluntary_switches() const { return voluntary_switches_.load_relaxed(); }
  uint64_t involuntary_switches() const { return involuntary_switches_.load_relaxed(); }

  bool is_user() const { return user_state_ != nullptr; }
  arch::TrapFrame& user_frame() { return arch::user_frame(stack_top); }

  static void last_unref(Thread* thread);

 protected:
  Thread() { entity_.thread = this; }
  virtual ~Thread();
  // Gives the thread a stack and a context that starts at entry(argument), preemptible.
  Result<> prepare(void (*entry)(void*), void* argument);

 public:
  // The live user address space; null for kernel threads, which borrow the one before. Changed only
  // by the thread itself (exec, exit) with preemption off, through sched::switch_address_space().
  AddressSpace* address_space = nullptr;
  // fs: while this thread closes a file, where the next one that ends is put. Its own.
  File** closing_files = nullptr;
  // A switch away from the thread sets kWorkSwitched (rseq(2)). Its own.
  bool notes_switches = false;
  // fs: the journal handle that this thread holds. Its own.
  jbd2::Handle* journal_handle = nullptr;

  // Priority inheritance (priority_inheritance.h); its lock.
  List<InheritingLock> inheriting_locks;  // that this thread owns, and somebody waits for
  LockWaiter* waits_for = nullptr;
  bool owns_no_more = false;              // it ends

 protected:
  arch::UserState* user_state_ = nullptr;  // in the derived object; null: kernel thread

 private:
  friend class Scheduler;

  arch::Context context_{};
  Atomic<ThreadState> state_{ThreadState::New};
  Atomic<uint32_t> cpu_{};      // whose run queue's lock guards the fields below
  Atomic<bool> on_cpu_{};       // its context is live on a CPU

  SchedEntity entity_;          // its parameters: those below, and what is donated
  SchedParameters parameters_;  // the thread's own
  std::optional<SchedParameters> donated_;
  CpuMask affinity_ = ~CpuMask{0};
  bool runnable_ = false;       // waiting, running, or on its way between two queues
  bool blocks_load_ = false;    // asleep in a state that counts for the load average
  Nanoseconds runtime_at_wake_ = 0;
  Nanoseconds user_samples_ = 0;
  Nanoseconds system_samples_ = 0;
  Nanoseconds unsampled_ = 0;   // run time since the last sample
  mutable CpuUsage reported_;   // neither part ever goes back

  Atomic<uint64_t> voluntary_switches_;
  Atomic<uint64_t> involuntary_switches_;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  char name_[kNameSize] = {};
};

// The running thread. Any thread context; in an interrupt, the thread that was interrupted.
inline Thread& current() { return *static_cast<Thread*>(arch::current_thread()); }

}  // namespace kernel
