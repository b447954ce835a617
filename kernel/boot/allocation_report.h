// SPDX-License-Identifier: MIT
// Log lines that say where an injected allocation failure struck (mm/allocation_failure.h).
#pragma once

namespace kernel {

// From now on each injected failure leaves its backtrace in the log, at the level Debug. Does
// nothing in release builds.
void report_allocation_failures();

}  // namespace kernel
