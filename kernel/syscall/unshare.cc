// SPDX-License-Identifier: MIT
// unshare(2): without namespaces.

#include "fs/vfs/fd_table.h"
#include "fs/vfs/fs_context.h"
#include "ipc/undo_sharing.h"
#include "process/fork.h"
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

Value sys_unshare(Context& context, Flags64 flags) {
  TRY(check_unshare(context.task, flags));
  if (flags.has(kCloneFs)) TRY(unshare_fs(context.task));
  if (flags.has(kCloneFiles)) TRY(unshare_files(context.task));
  if (flags.has(kCloneSysVSem)) release_semaphore_undo(context.task);
  return 0;
}

}  // namespace kernel::syscall
