// SPDX-License-Identifier: MIT
// Making and unmaking of threads. Scheduling is in scheduler.cc and wake.cc.
#include "sched/thread.h"

#include "mm/kernel_map.h"
#include "sched/cpu_state.h"
#include "sched/priority_inheritance.h"

namespace kernel {

namespace {

class KernelThread final : public Thread {
 public:
  Result<> make(void (*entry)(void*), void* argument) { return prepare(entry, argument); }
};

}  // namespace

Result<Ref<Thread>> Thread::create_kernel(StringView name, void (*entry)(void*), void* argument) {
  Ref<KernelThread> thread = TRY(make_ref<KernelThread>());
  TRY(thread->make(entry, argument));
  thread->set_name(name);
  return Ref<Thread>(std::move(thread));
}

// The context starts below the place of the user frame, which a user thread's first return uses.
Result<> Thread::prepare(void (*entry)(void*), void* argument) {
  stack_bottom = TRY(kernel_map::allocate_stack());
  stack_top = stack_bottom + kKernelStackSize;
  entry_ = entry;
  argument_ = argument;
  preempt_count = 1;  // as if it had switched away in reschedule()
  {
    PreemptGuard guard;
    cpu_.store_relaxed(this_cpu());
  }
  VirtAddr start{reinterpret_cast<uint64_t>(&user_frame())};
  arch::init_context(context_, start, Scheduler::begin_thread, this);
  return {};
}

Thread::~Thread() {
  DCHECK(!runnable_ && !on_cpu_.load_relaxed());
  if (raw(stack_bottom) != 0) kernel_map::free_stack(stack_bottom);
}

// Lock-free readers see threads: whoever wakes one may have found it in a list just before it
// ended.
void Thread::last_unref(Thread* thread) {
  retire(*thread, [](RcuHead* head) { delete static_cast<Thread*>(head); });
}

// Written by the thread itself or by prctl's writer under the caller's lock; readers take what is
// there, terminated in any case.
void Thread::set_name(StringView name) {
  size_t size = name.size() < kNameSize - 1 ? name.size() : kNameSize - 1;
  for (size_t i = 0; i < kNameSize; ++i) {
    __atomic_store_n(&name_[i], i < size ? name[i] : '\0', __ATOMIC_RELAXED);
  }
}

StringView Thread::name() const { return StringView(name_); }

void Thread::inherit_scheduling(const Thread& parent) {
  QueueGuard queue(parent);
  parameters_ = parent.parameters_;  // what was donated to the parent is not inherited
  if (parameters_.reset_on_fork) {
    if (parameters_.is_realtime()) parameters_ = {};
    if (parameters_.nice < 0) parameters_.nice = 0;
    parameters_.reset_on_fork = false;
  }
  entity_.parameters = parameters_;
  entity_.weight = weight_of(entity_.parameters);
  entity_.slice_left = RealtimeQueue::kRoundRobinSlice;
  affinity_ = parent.affinity_;
  cpu_.store_relaxed(queue.cpu());
}

void Thread::set_parameters(const SchedParameters& parameters) {
  Scheduler::set_parameters(*this, parameters);
  PriorityInheritance::parameters_changed(*this);
}
SchedParameters Thread::parameters() const { return Scheduler::parameters(*this); }
SchedParameters Thread::effective_parameters() const {
  return Scheduler::effective_parameters(*this);
}
CpuUsage Thread::cpu_usage() const { return Scheduler::cpu_usage(*this); }
Nanoseconds Thread::run_time() const { return Scheduler::run_time(*this); }
Nanoseconds Thread::run_time_since_wake() const { return Scheduler::run_time_since_wake(*this); }

void Scheduler::set_parameters(Thread& thread, const SchedParameters& parameters) {
  QueueGuard queue(thread);
  thread.parameters_ = parameters;
  apply_parameters(queue, thread);
}

bool Scheduler::set_donated(Thread& thread, const std::optional<SchedParameters>& donated) {
  QueueGuard queue(thread);
  thread.donated_ = donated;
  return apply_parameters(queue, thread);
}

SchedParameters Scheduler::effective_parameters(const Thread& thread) {
  QueueGuard queue(thread);
  return thread.entity_.parameters;
}

// True: the thread runs differently now.
bool Scheduler::apply_parameters(QueueGuard& queue, Thread& thread) {
  SchedParameters parameters = thread.parameters_;
  if (thread.donated_) parameters = parameters.inheriting(*thread.donated_);
  if (parameters == thread.entity_.parameters) return false;
  charge(*queue, clock::monotonic());
  if (parameters.is_realtime() && !thread.entity_.is_realtime())
    thread.runtime_at_wake_ = thread.entity_.runtime;
  queue->queue.change(thread.entity_, parameters);
  publish_load(*queue);
  // The running thread may have to give way now, or a waiting one may have become the first.
  if (queue->current == &thread ||
      (thread.entity_.queued && queue->queue.should_preempt(thread.entity_))) {
    kick(*queue, queue.cpu());
  }
  return true;
}

SchedParameters Scheduler::parameters(const Thread& thread) {
  QueueGuard queue(thread);
  return thread.parameters_;
}

}  // namespace kernel
