// SPDX-License-Identifier: MIT
// execve by one of several threads: the others end, and the caller takes the process's pid.
#pragma once

#include "task/task.h"

namespace kernel {

// On return the running task is the only thread and the leader of its group. Error: Again when the
// process is ending already.
Result<> end_other_threads(Task& task);

}  // namespace kernel
