// SPDX-License-Identifier: MIT
// Sets of CPUs as text, the way procfs and sysfs show them.
#pragma once

#include "lib/format.h"
#include "sched/thread.h"

namespace kernel {

void format_cpu_list(FormatSink& sink, CpuMask mask);  // "0-3,5"

}  // namespace kernel
