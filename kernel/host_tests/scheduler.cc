// SPDX-License-Identifier: MIT
// The scheduler for tests of what lies above it: every kernel thread is a thread of this machine,
// and so is every std::thread of a test; they sleep and wake for real. Mutexes, wait queues and
// whatever is built on them run unchanged. It stands in for sched/scheduler.cc, wake.cc and
// thread.cc.

#include "sched/scheduler.h"
#include "sched/cpu_state.h"

#include <pthread.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "arch/cpu.h"
#include "lib/check.h"
#include "sync/rcu.h"

namespace kernel {
namespace {

class HostThread final : public Thread {
 public:
  HostThread() = default;
  HostThread(void (*entry)(void*), void* argument) : entry_(entry), argument_(argument) {}

  bool wake_up() {
    std::lock_guard guard(mutex_);
    if (state_ == ThreadState::Runnable) return false;
    state_ = ThreadState::Runnable;
    changed_.notify_all();
    return true;
  }
  void set(ThreadState state) {
    std::lock_guard guard(mutex_);
    state_ = state;
  }
  bool sleep(Deadline deadline) {
    CHECK(preempt_count == 0 && arch::interrupts_enabled());
    std::unique_lock guard(mutex_);
    auto awake = [this] { return state_ == ThreadState::Runnable; };
    if (deadline.at == kForever) {
      changed_.wait(guard, awake);
      return true;
    }
    Nanoseconds now = clock::monotonic();
    std::chrono::nanoseconds rest(deadline.at > now ? deadline.at - now : 0);
    bool woken = changed_.wait_until(guard, std::chrono::steady_clock::now() + rest, awake);
    state_ = ThreadState::Runnable;
    return woken;
  }
  void run() {
    ref();
    std::thread([this] {
      arch::set_current_thread(this);
      Ref<Thread> self = Ref<Thread>::adopt(*this);
      entry_(argument_);
    }).detach();
  }

 private:
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  ThreadState state_ = ThreadState::Runnable;
};

HostThread& host(Thread& thread) { return static_cast<HostThread&>(thread); }

}  // namespace

// What arch/host makes of a thread that the tests started themselves.
ThreadBase* arch::host::make_thread(ThreadBase&) {
  thread_local std::unique_ptr<HostThread, void (*)(HostThread*)> own(
      new HostThread, [](HostThread* thread) { delete thread; });
  return own.get();
}

Thread::~Thread() = default;
void Thread::last_unref(Thread* thread) { delete static_cast<HostThread*>(thread); }
Result<Ref<Thread>> Thread::create_kernel(StringView name, void (*entry)(void*), void* argument) {
  Ref<HostThread> thread = TRY(make_ref<HostThread>(entry, argument));
  thread->set_name(name);
  return Ref<Thread>(std::move(thread));
}
void Thread::set_name(StringView) {}
StringView Thread::name() const { return "test"; }
void Thread::start() { host(*this).run(); }
bool Thread::wake() { return host(*this).wake_up(); }
// Nobody sleeps in a test so that only these would wake it.
bool Thread::wake_for_signal() { return wake(); }
bool Thread::wake_for_kill() { return wake(); }
bool Thread::wake_stopped() { return false; }
CpuUsage Thread::cpu_usage() const { return {}; }
void Scheduler::tick(Nanoseconds) {}
SchedParameters Scheduler::effective_parameters(const Thread&) { return {}; }
bool Scheduler::set_donated(Thread&, const std::optional<SchedParameters>&) { return false; }
void Thread::set_parameters(const SchedParameters&) {}

namespace sched {

void set_state(ThreadState state) { host(current()).set(state); }
void schedule() { host(current()).sleep({}); }
bool schedule_until(Deadline deadline) { return host(current()).sleep(deadline); }
void sleep_until(Deadline deadline) {
  set_state(ThreadState::Uninterruptible);
  schedule_until(deadline);
}
void yield() { std::this_thread::yield(); }
bool signal_pending() { return false; }
bool kill_pending() { return false; }
// Unwinds the stack, so that destructors run: what the kernel's threads do not rely on.
void exit_thread() { pthread_exit(nullptr); }
void kick(const Thread&) {}
void set_address_space_loader(LoadAddressSpace) {}
void call_on_others(void (*)(void*), void*) {}

}  // namespace sched

// No thread of a test may be inside a read section while it calls these.
void rcu_barrier() {
  while (RcuHead* list = rcu::take_retired()) rcu::reclaim(list);
}
void synchronize_rcu() {}

namespace {

const bool clock_started = [] {
  clock::init();
  return true;
}();

}  // namespace
}  // namespace kernel
