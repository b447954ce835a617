// SPDX-License-Identifier: MIT
// What happens after a panic: `panic=` as Linux has it, but that without it the machine powers off,
// so that whoever runs it sees the end.
#pragma once

#include "lib/types.h"

namespace kernel {

// Seconds until a restart; 0: power off; negative: restart at once.
void set_panic_timeout(int64_t seconds);
// How to stop the other CPUs; bounded in time, takes no locks.
void set_panic_stop(void (*stop)());

}  // namespace kernel
