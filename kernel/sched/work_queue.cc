// SPDX-License-Identifier: MIT
// See work_queue.h.
#include "sched/work_queue.h"

#include "sched/completion.h"
#include "sched/thread.h"

namespace kernel {

class WorkQueue {
 public:
  static bool add(Work& work) {
    {
      Guard guard(lock);
      if (work.is_linked()) return false;
      pending.push_back(work);
    }
    arrivals.wake();
    return true;
  }
  static Work* take() {
    Guard guard(lock);
    return pending.pop_front();
  }
  static void run_one() {
    ignore(arrivals.wait(has_work));
    if (Work* work = take()) work->function_(*work);
  }

 private:
  static bool has_work() {
    Guard guard(lock);
    return !pending.empty();
  }
  static SpinLock<LockRank::Device> lock;
  static List<Work> pending GUARDED_BY(lock);
  static WaitQueue arrivals;
};

constinit SpinLock<LockRank::Device> WorkQueue::lock;
constinit List<Work> WorkQueue::pending;
constinit WaitQueue WorkQueue::arrivals;

bool Work::schedule() { return WorkQueue::add(*this); }

namespace sched {

Result<> start_work_thread() {
  auto run = [](void*) {
    for (;;) WorkQueue::run_one();
  };
  Ref<Thread> thread = TRY(Thread::create_kernel("worker", run, nullptr));
  thread->start();
  return {};
}

namespace {

struct Marker : Work {
  Marker() : Work([](Work& work) { static_cast<Marker&>(work).reached.complete(); }) {}
  Completion reached;
};

}  // namespace

void flush_work() {
  Marker marker;
  marker.schedule();
  ignore(marker.reached.wait());
}

}  // namespace sched
}  // namespace kernel
