// SPDX-License-Identifier: MIT
// The running CPU on the build machine: each thread of the host is a CPU of its own, attached at
// its first use. Bodies in cpu.cc, out of line: a kernel context may move to another host thread.
#pragma once

#include "lib/types.h"

namespace kernel {
struct ThreadBase;
}

namespace kernel::arch::host {

// What a host thread is to the kernel from its first use on: `plain`, or what tests that have a
// scheduler say (host_tests/scheduler.cc).
ThreadBase* make_thread(ThreadBase& plain);

// How many CPUs have ever been attached. A finished thread's number is given to the next one.
unsigned attached_cpus();

}  // namespace kernel::arch::host
