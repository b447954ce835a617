// SPDX-License-Identifier: MIT
// The scheduler as far as tests of what lies above it need one: nobody sleeps. A mutex or a wait
// queue works as long as it need not wait; a test that would wait for another thread ends here.

#include "sched/scheduler.h"

#include "lib/check.h"

namespace kernel {

bool Thread::wake() { return false; }

namespace sched {

void set_state(ThreadState) {}
void schedule() { CHECK(!"a unit test would sleep"); }
bool schedule_until(Deadline) { CHECK(!"a unit test would sleep"); }
bool signal_pending() { return false; }
bool kill_pending() { return false; }

}  // namespace sched
}  // namespace kernel
