// SPDX-License-Identifier: MIT
// The controlling terminal of a session, for those who know nothing else of terminals.
#pragma once

#include "task/task.h"

namespace kernel {

// The end of a session's leader: its terminal is nobody's, and who uses it hears of that.
void leave_controlling_terminal(ThreadGroup& leader);
// vhangup(2), of the running process's.
void hang_up_controlling_terminal();

}  // namespace kernel
