// SPDX-License-Identifier: MIT
// Interrupt lines, their counts and their threads; see interrupt.h.

#include "dev/interrupt.h"

#include "arch/entry.h"
#include "lib/log.h"
#include "sched/completion.h"
#include "sched/scheduler.h"
#include "sync/per_cpu.h"

namespace kernel {
namespace {

constexpr size_t kNameSize = 16;

// One installed line. Published under table_lock; the hard handler reads it in an RCU section,
// which an interrupt is.
struct Installed : RcuHead {
  InterruptController::Line line;
  InterruptHandler* handler = nullptr;
  char name[kNameSize] = {};
  bool per_cpu = false;
  bool threaded = false;
  Optional<Ref<Thread>> thread;
  Atomic<bool> pending;       // the thread has something to do
  Atomic<bool> stopping;
  WaitQueue wake;
  Completion finished;        // the thread has left
  Atomic<uint64_t> counts[kMaxCpus];
};

constinit InterruptController* controller = nullptr;
constinit SpinLock<LockRank::Device> table_lock;
constinit RcuPointer<Installed> table[kMaxIrqs];

void thread_main(void* argument) {
  Installed& installed = *static_cast<Installed*>(argument);
  for (;;) {
    ignore(installed.wake.wait(
        [&] { return installed.pending.load_acquire() || installed.stopping.load_acquire(); },
        WaitMode::Uninterruptible));
    if (installed.stopping.load_acquire()) break;
    installed.pending.store_release(false);
    installed.handler->run();
    if (installed.line.trigger == Trigger::Level) controller->unmask(installed.line.irq);
  }
  installed.finished.complete();
}

Result<> start_thread(Installed& installed) {
  char buffer[Thread::kNameSize];
  BufferSink name(buffer);
  format(name, "irq/{}-{}", installed.line.irq, installed.name);
  Ref<Thread> thread = TRY(Thread::create_kernel(name.view(), thread_main, &installed));
  // As Linux's threaded interrupts: SCHED_FIFO 50.
  thread->set_parameters({.policy = SchedPolicy::Fifo, .rt_priority = 50});
  installed.thread = thread;
  thread->start();
  return {};
}

Result<Owned<Installed>> make(InterruptController::Line line, StringView name,
                              InterruptHandler& handler) {
  if (line.irq >= kMaxIrqs) return Errno::Inval;
  Owned<Installed> installed = TRY(make_owned<Installed>());
  installed->line = line;
  installed->handler = &handler;
  for (size_t i = 0; i < name.size() && i < kNameSize - 1; ++i) installed->name[i] = name[i];
  return installed;
}

Result<> publish(Installed& installed) {
  Guard guard(table_lock);
  RcuPointer<Installed>& place = table[installed.line.irq];
  if (place.read() != nullptr) return Errno::Busy;
  place.publish(&installed);
  return {};
}

}  // namespace

void set_interrupt_controller(InterruptController& chip) { controller = &chip; }

InterruptController& interrupt_controller() {
  CHECK(controller != nullptr);
  return *controller;
}

Result<IrqLine> IrqLine::install(InterruptController::Line line, StringView name,
                                 InterruptHandler& handler, bool threaded) {
  Owned<Installed> installed = TRY(make(line, name, handler));
  installed->threaded = threaded;
  if (threaded) TRY(start_thread(*installed));
  Result<> published = publish(*installed);
  if (!published.ok()) {
    if (threaded) {
      installed->stopping.store_release(true);
      installed->wake.wake_all();
      ignore(installed->finished.wait());
    }
    return published.error();
  }
  std::move(installed).leak();
  controller->configure(line.irq, line.trigger);
  controller->unmask(line.irq);
  return IrqLine(line.irq);
}

Result<IrqLine> IrqLine::install_per_cpu(InterruptController::Line line, StringView name,
                                         InterruptHandler& handler) {
  Owned<Installed> installed = TRY(make(line, name, handler));
  installed->per_cpu = true;
  TRY(publish(*installed));
  std::move(installed).leak();
  return IrqLine(line.irq);
}

void IrqLine::enable_on_this_cpu() {
  Installed* installed = table[irq_].read();
  controller->configure(irq_, installed->line.trigger);
  controller->unmask(irq_);
}

IrqLine::~IrqLine() {
  if (irq_ == kMaxIrqs) return;
  controller->mask(irq_);
  Installed* installed;
  {
    Guard guard(table_lock);
    installed = table[irq_].read();
    table[irq_].publish(nullptr);
  }
  synchronize_rcu();  // no CPU is in the hard handler any more
  if (installed->threaded) {
    installed->stopping.store_release(true);
    installed->wake.wake_all();
    ignore(installed->finished.wait());
  }
  delete installed;
}

void handle_interrupt(arch::TrapFrame& frame) {
  sched::account_interrupt(arch::from_user(frame));
  controller->handle();
}

void dispatch_interrupt(Irq irq) {
  Installed* installed = irq < kMaxIrqs ? table[irq].read() : nullptr;
  if (installed == nullptr) {
    controller->mask(irq);
    log_warning("interrupt {} without a handler: masked", irq);
    return;
  }
  installed->counts[this_cpu()].fetch_add_relaxed(1);
  if (installed->handler->on_interrupt() != IrqReturn::Wake || !installed->threaded) return;
  // A level line would fire again at once; an edge line may, and finds the thread told already.
  if (installed->line.trigger == Trigger::Level) controller->mask(irq);
  installed->pending.store_release(true);
  installed->wake.wake_all();
}

bool next_interrupt(Irq from, InterruptStatistics& statistics) {
  RcuReadGuard rcu;
  for (Irq irq = from; irq < kMaxIrqs; ++irq) {
    Installed* installed = table[irq].read();
    if (installed == nullptr) continue;
    statistics.irq = irq;
    statistics.name = StringView(installed->name);
    statistics.trigger = installed->line.trigger;
    for (size_t cpu = 0; cpu < kMaxCpus; ++cpu)
      statistics.counts[cpu] = installed->counts[cpu].load_relaxed();
    return true;
  }
  return false;
}

uint64_t interrupt_count() {
  RcuReadGuard rcu;
  uint64_t total = 0;
  for (const RcuPointer<Installed>& place : table) {
    Installed* installed = place.read();
    if (installed == nullptr) continue;
    for (const Atomic<uint64_t>& count : installed->counts) total += count.load_relaxed();
  }
  return total;
}

}  // namespace kernel
