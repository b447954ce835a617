// SPDX-License-Identifier: MIT
// Linux's spelling of an error number, for traces.
#pragma once

#include "lib/errno.h"

namespace kernel::syscall {

// "ENOENT"; "E?" for a number that Linux does not have.
const char* errno_name(Errno error);

}  // namespace kernel::syscall
