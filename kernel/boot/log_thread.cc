// SPDX-License-Identifier: MIT
// See log_thread.h. A log call may stand anywhere, under the run queue's lock even, so it wakes
// nobody itself: it sends its own CPU an interrupt, which does.

#include "boot/log_thread.h"

#include "lib/log.h"
#include "sched/scheduler.h"

namespace kernel {
namespace {

constinit Atomic<bool> announced;
constinit Atomic<Thread*> log_thread;

void announce() {
  if (!announced.exchange_acq_rel(true)) sched::interrupt_self(sched::Ipi::Log);
}

// Interrupt context.
void wake_thread() {
  if (Thread* thread = log_thread.load_acquire()) thread->wake();
}

void run(void*) {
  for (;;) {
    sched::set_state(ThreadState::Interruptible);
    if (announced.load_acquire()) {
      sched::set_state(ThreadState::Runnable);
    } else {
      sched::schedule();
    }
    announced.store_seq_cst(false);
    log_drain();
  }
}

}  // namespace

Result<> start_log_thread() {
  Ref<Thread> thread = TRY(Thread::create_kernel("log", run, nullptr));
  thread->start();
  log_thread.store_release(std::move(thread).leak());  // for good
  sched::set_log_hook(wake_thread);
  log_set_drainer(announce);
  announce();
  return {};
}

}  // namespace kernel
