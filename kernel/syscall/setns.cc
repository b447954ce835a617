// SPDX-License-Identifier: MIT
// setns(2). There is one namespace of each kind: to move into it is allowed to whom it is on Linux,
// and leaves the caller where it is, but for what comes with the move.

#include "fs/vfs/mount.h"
#include "ipc/undo_sharing.h"
#include "process/namespaces.h"
#include "process/observe.h"
#include "process/pidfd.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

constexpr uint64_t kAll = kCloneNamespaces | kCloneNewTime;

// Of several kinds at once the first that is refused counts.
Result<> check_move(Task& task, uint64_t kinds) {
  const Credentials& credentials = task.credentials();
  if ((kinds & kCloneNewUser) != 0) return Errno::Inval;  // into the one that it is in
  bool is_admin = credentials.has(Capability::SysAdmin);
  if ((kinds & kCloneNewNs) != 0) {
    if (!is_admin || !credentials.has(Capability::SysChroot)) return Errno::Perm;
    // Of a process alone: the others would move with it. With other kinds it gets its own copy.
    if (kinds == kCloneNewNs && task.fs_context->ref_count() != 1) return Errno::Inval;
  }
  if (!is_admin && (kinds & ~kCloneNewTime) != 0) return Errno::Perm;
  if ((kinds & kCloneNewTime) != 0) {
    if (task.group().thread_count != 1) return Errno::Users;
    if (!is_admin) return Errno::Perm;
  }
  return {};
}

// A file of /proc/PID/ns stands for its namespace, a pidfd for those of its process.
Result<uint64_t> kinds_of(Task& task, const File& file, uint64_t wanted) {
  if (const namespaces::Namespace* space = namespaces::of_file(file)) {
    if (wanted != 0 && wanted != space->flag) return Errno::Inval;
    return space->flag;
  }
  Result<Ref<Pid>> pid = pid_of_pidfd(file);
  if (!pid.ok() || wanted == 0 || (wanted & ~kAll) != 0) return Errno::Inval;
  Ref<Task> target = TRY(task_of_pidfd(file));
  if (!may_trace(task, *target, IdsFrom::Real)) return Errno::Perm;
  if (!fs_context_of(*target)) return Errno::Srch;  // it has ended
  return wanted;
}

}  // namespace

Value sys_setns(Context& context, Fd fd, Flags32 wanted) {
  Task& task = context.task;
  Ref<File> file = TRY(task.files->get(fd));
  uint64_t kinds = TRY(kinds_of(task, *file, wanted.bits()));
  TRY(check_move(task, kinds));
  if ((kinds & kCloneNewNs) != 0) {
    Path root = vfs::namespace_root();
    task.fs_context->set_root(root);
    task.fs_context->set_working_directory(root);
  }
  if ((kinds & kCloneNewIpc) != 0) release_semaphore_undo(task);
  return 0;
}

}  // namespace kernel::syscall
