// SPDX-License-Identifier: MIT
// Inter-processor interrupts: reschedule, and functions that run on the other CPUs.
#include "arch/smp.h"
#include "sched/cpu_state.h"

namespace kernel::sched {

namespace {

struct Call {
  void (*function)(void*);
  void* argument;
  Atomic<uint32_t> remaining;
};
struct CallRequest {
  Call* call = nullptr;
  CallRequest* next = nullptr;
};
// Per CPU: pushed to by anybody, emptied by the CPU itself.
using CallStack = Atomic<CallRequest*>;
PER_CPU(CallStack, pending_calls);

void push(CallStack& stack, CallRequest& request) {
  CallRequest* top = stack.load_relaxed();
  do {
    request.next = top;
  } while (!stack.compare_exchange_acq_rel(top, &request));
}

void run_pending_calls() {
  CallRequest* request = pending_calls.mine().exchange_acq_rel(nullptr);
  while (request != nullptr) {
    CallRequest* next = request->next;  // the caller's stack frame ends with the last count
    Call& call = *request->call;
    call.function(call.argument);
    call.remaining.fetch_sub_acq_rel(1);
    request = next;
  }
}

constinit Atomic<void (*)()> log_hook;

}  // namespace

void set_log_hook(void (*hook)()) { log_hook.store_release(hook); }

void interrupt_self(Ipi ipi) {
  arch::IrqState state = arch::disable_interrupts();
  Scheduler::send_ipi(this_cpu(), ipi);
  arch::restore_interrupts(state);
}

void stop_others() {
  for (CpuMask rest = online_cpus() & ~cpu_bit(this_cpu()); rest != 0; rest &= rest - 1)
    Scheduler::send_ipi(static_cast<unsigned>(std::countr_zero(rest)), Ipi::Stop);
}

void handle_ipi(Ipi ipi) {
  switch (ipi) {
    case Ipi::Reschedule: break;  // the work bit is set; the exit of the interrupt looks at it
    case Ipi::Call: run_pending_calls(); break;
    case Ipi::Stop: arch::halt();
    case Ipi::Log:
      if (auto hook = log_hook.load_acquire()) hook();
      break;
  }
}

// Interrupts stay on while waiting: two CPUs that call each other serve each other.
void call_on_others(void (*function)(void*), void* argument) {
  DCHECK(arch::interrupts_enabled());
  PreemptGuard guard;
  CpuMask others = online_cpus() & ~cpu_bit(this_cpu());
  Call call{function, argument, Atomic<uint32_t>(static_cast<uint32_t>(std::popcount(others)))};
  CallRequest requests[kMaxCpus];
  for (CpuMask rest = others; rest != 0; rest &= rest - 1) {
    auto cpu = static_cast<unsigned>(std::countr_zero(rest));
    requests[cpu].call = &call;
    push(pending_calls.on(cpu), requests[cpu]);
    Scheduler::send_ipi(cpu, Ipi::Call);
  }
  while (call.remaining.load_acquire() != 0) arch::spin_hint();
}

}  // namespace kernel::sched
