// SPDX-License-Identifier: MIT
// `trace=syscalls` on the kernel command line, and --strace of the command: lines like strace(1)'s
// on the log, from the same table as dispatch.
#pragma once

#include "syscall/context.h"

namespace kernel::syscall {

void trace_enter(const Context& context, uint64_t number);
void trace_exit(const Context& context, uint64_t number, int64_t result);

}  // namespace kernel::syscall
