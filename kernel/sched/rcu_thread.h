// SPDX-License-Identifier: MIT
// The RCU thread (sync/rcu.h is the interface for everybody else).
#pragma once

#include "lib/result.h"

namespace kernel::sched {

// Boot, once, when threads can run. Before it, what is retired waits.
Result<> start_rcu_thread();

}  // namespace kernel::sched
