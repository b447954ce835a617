// SPDX-License-Identifier: MIT
// exit(2), exit_group(2), getpid(2) and relatives, setpgid(2), setsid(2), set_tid_address(2),
// unshare(2).

#include "process/exit.h"
#include "process/fork.h"
#include "fs/vfs/fd_table.h"
#include "fs/vfs/fs_context.h"
#include "ipc/semaphore_undo.h"
#include "process/notify.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

constexpr uint64_t kUnshareKnown = kCloneThread | kCloneFs | kCloneSigHand | kCloneVm |
                                   kCloneFiles | kCloneSysVSem | kCloneNamespaces | kCloneNewTime;

Result<> unshare_fs(Task& task) {
  if (task.fs_context->ref_count() == 1) return {};
  FsContext* copy = TRY(task.fs_context->clone()).leak();
  {
    Guard guard(task.group().signal_lock);
    std::swap(task.fs_context, copy);
  }
  copy->unref();
  return {};
}

Result<> unshare_files(Task& task) {
  if (task.files->ref_count() == 1) return {};
  FdTable* copy = TRY(task.files->clone()).leak();
  {
    Guard guard(task.group().signal_lock);
    std::swap(task.files, copy);
  }
  copy->unref();
  return {};
}

// A process's threads, its signal table and its memory cannot be taken apart; asking for it is fine
// when they are not shared.
Result<> check_unshare(Task& task, Flags64 flags) {
  if (!flags.only(kUnshareKnown)) return Errno::Inval;
  ThreadGroup& group = task.group();
  if (flags.any(kCloneThread | kCloneSigHand | kCloneVm) && group.thread_count > 1)
    return Errno::Inval;
  if (flags.any(kCloneSigHand | kCloneVm)) {
    Guard guard(group.signal_lock);
    if (group.handlers->ref_count() > 1) return Errno::Inval;
  }
  uint64_t namespaces = flags.bits() & (kCloneNamespaces | kCloneNewTime);
  if (namespaces == 0) return {};
  if (namespaces != kCloneNewUser && !task.credentials().has(Capability::SysAdmin))
    return Errno::Perm;
  return Errno::Inval;
}

}  // namespace

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

Value sys_unshare(Context& context, Flags64 flags) {
  TRY(check_unshare(context.task, flags));
  if (flags.has(kCloneFs)) TRY(unshare_fs(context.task));
  if (flags.has(kCloneFiles)) TRY(unshare_files(context.task));
  if (flags.has(kCloneSysVSem) && context.task.semaphore_undo != nullptr)
    std::exchange(context.task.semaphore_undo, nullptr)->unref();
  return 0;
}

}  // namespace kernel::syscall
