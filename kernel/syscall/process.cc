// SPDX-License-Identifier: MIT
// exit(2), exit_group(2), getpid(2) and relatives, setpgid(2), setsid(2), set_tid_address(2).

#include "process/exit.h"
#include "process/notify.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
Value sys_exit(Context&, int32_t code) { exit_task(exited_status(code)); }
Value sys_exit_group(Context&, int32_t code) { exit_group(exited_status(code)); }

Value sys_getpid(Context& context) { return context.task.group().pid(); }
Value sys_gettid(Context& context) { return context.task.tid(); }

Value sys_getppid(Context& context) {
  RcuReadGuard reading;
  ThreadGroup* parent = __atomic_load_n(&context.task.group().parent, __ATOMIC_ACQUIRE);
  return parent == nullptr ? 0 : parent->pid();
}

Value sys_set_tid_address(Context& context, UserAddr address) {
  context.task.clear_child_tid = address;
  return context.task.tid();
}

Value sys_setpgid(Context&, int32_t pid, int32_t group) {
  TRY(task::set_process_group(pid, group));
  return 0;
}

Value sys_setsid(Context&) { return TRY(task::new_session()); }

Value sys_getpgid(Context& context, int32_t pid) {
  if (pid == 0) return task::process_group_of(context.task.group())->number();
  Optional<Ref<Task>> found = task::find_task(pid);
  if (!found) return Errno::Srch;
  return task::process_group_of(found->group())->number();
}

Value sys_getsid(Context& context, int32_t pid) {
  if (pid == 0) return task::session_of(context.task.group())->number();
  Optional<Ref<Task>> found = task::find_task(pid);
  if (!found) return Errno::Srch;
  return task::session_of(found->group())->number();
}

}  // namespace kernel::syscall
