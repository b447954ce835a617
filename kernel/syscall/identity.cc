// SPDX-License-Identifier: MIT
// getuid(2) and getgid(2).

#include "syscall/declarations.h"

namespace kernel::syscall {

Value sys_getuid(Context& context) { return context.task.credentials().uid; }
Value sys_geteuid(Context& context) { return context.task.credentials().euid; }
Value sys_getgid(Context& context) { return context.task.credentials().gid; }
Value sys_getegid(Context& context) { return context.task.credentials().egid; }

}  // namespace kernel::syscall
