// SPDX-License-Identifier: MIT
// A seam: there is one CPU. What the scheduler asks of the others, and they of it.

#include "arch/entry.h"
#include "arch/smp.h"
#include "boot/smp_boot.h"
#include "sched/cpu_state.h"
#include "sched/priority_inheritance.h"

namespace kernel {

// head.S looks another CPU's number up here: it finds nothing, and that CPU stops.
extern "C" {
constinit char secondary_starts[START_COUNT * START_SIZE] = {};
}
void secondary_cpu_main(unsigned) { arch::halt(); }
void start_secondary_cpus(unsigned) {}

bool Scheduler::pull_work(unsigned) { return false; }
void Scheduler::balance_at_tick(unsigned) {}
void PriorityInheritance::parameters_changed(Thread&) {}

namespace sched {
void handle_ipi(Ipi) {}
void stop_others() {}
void call_on_others(void (*)(void*), void*) {}
}  // namespace sched
}  // namespace kernel
