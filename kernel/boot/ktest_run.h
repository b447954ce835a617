// SPDX-License-Identifier: MIT
// Runs the kernel's own tests (lib/ktest.h).
#pragma once

#include "lib/string_view.h"

namespace kernel {

// Those whose name contains `pattern` ("all": every one). In a thread that may sleep; ends in
// power-off.
[[noreturn]] void run_kernel_tests(StringView pattern);

}  // namespace kernel
