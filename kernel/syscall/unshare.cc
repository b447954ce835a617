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

// A copy of its own of what `place` says the task shares with others. Who looks at another task's
// does so under signal_lock.
template <class Shared>
Result<> unshare(Task& task, Shared* Task::* place) {
  if ((task.*place)->ref_count() == 1) return {};
  Shared* copy = TRY((task.*place)->clone()).leak();
  {
    Guard guard(task.group().signal_lock);
    std::swap(task.*place, copy);
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
  if (flags.has(kCloneFs)) TRY(unshare(context.task, &Task::fs_context));
  if (flags.has(kCloneFiles)) TRY(unshare(context.task, &Task::files));
  if (flags.has(kCloneSysVSem)) release_semaphore_undo(context.task);
  return 0;
}

}  // namespace kernel::syscall
