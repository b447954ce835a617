// SPDX-License-Identifier: MIT
// The thread that writes the log to the consoles.
#pragma once

#include "lib/result.h"

namespace kernel {

// From now on a log call only records. Boot, once, when threads can run.
Result<> start_log_thread();

}  // namespace kernel
