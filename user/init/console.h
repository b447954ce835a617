// SPDX-License-Identifier: MIT
//
// A machine that was booted by hand: a shell with job control on the kernel's console.
#pragma once

namespace console {

// Returns when the shell has ended by itself. One that was killed is replaced, unless it keeps
// dying.
void run_shell();

}  // namespace console
