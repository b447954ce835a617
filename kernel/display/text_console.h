// SPDX-License-Identifier: MIT
// The text console: a terminal on the first framebuffer, /dev/tty1 (and tty0, the one on show), and
// a place for the kernel's log.
#pragma once

#include "lib/result.h"

namespace kernel::display {

// From now on a framebuffer that a driver finds becomes a console. Boot, once, when threads run.
Result<> init();

}  // namespace kernel::display
