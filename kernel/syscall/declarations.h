// SPDX-License-Identifier: MIT
// Declares every handler from its line in the .def files; a family's .cc includes this.
#pragma once

#include "call_types.h"
#include "syscall/context.h"

namespace kernel::syscall {

#define SYSCALL(number, name, ...) Value sys_##name(Context& context __VA_OPT__(, ) __VA_ARGS__);
#define SYSCALL_PARTIAL(number, missing, name, ...) SYSCALL(number, name __VA_OPT__(, ) __VA_ARGS__)
#define SYSCALL_ABSENT(number, name, reason)
#include "calls.def"
#undef SYSCALL
#undef SYSCALL_PARTIAL
#undef SYSCALL_ABSENT

}  // namespace kernel::syscall
