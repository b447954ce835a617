// SPDX-License-Identifier: MIT
// pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).

#include "process/pidfd.h"

#include "process/kill.h"
#include "process/observe.h"
#include "syscall/declarations.h"
#include "task/signal_post.h"

namespace kernel::syscall {

Value sys_pidfd_open(Context& context, int32_t pid, Flags32 flags) {
  if (!flags.only(kOpenNonBlock) || pid <= 0) return Errno::Inval;
  Optional<Ref<Pid>> found = Pid::find(pid);
  if (!found) return Errno::Srch;
  {
    RcuReadGuard reading;
    if (found->task() == nullptr) return Errno::Srch;
    if (found->thread_group() == nullptr) return Errno::Inval;  // a thread
  }
  Ref<File> file = TRY(make_pidfd(found.take(), flags.bits()));
  uint64_t limit = task::limit(context.task.group(), Resource::OpenFiles).soft;
  return TRY(context.task.files->install(std::move(file), true, limit));
}

Value sys_pidfd_send_signal(Context& context, Fd fd, int32_t signal, UserAddr user_info,
                            uint32_t flags) {
  if (flags != 0) return Errno::Inval;
  Ref<File> file = TRY(context.task.files->get(fd, true));
  Ref<Pid> pid = TRY(pid_of_signal_target(*file));
  SignalInfo info;
  bool own = pid->number() == context.task.tid();
  if (raw(user_info) != 0) {
    UserSignalInfo given;
    TRY(copy_in(&given, user_info, sizeof given));
    info = TRY(decode_signal_info(given, static_cast<Signal>(signal)));
    if (given.signal != signal) return Errno::Inval;
    if (!own && (given.code >= 0 || given.code == kSiTkill)) return Errno::Perm;
  } else {
    info = user_signal(context.task, static_cast<Signal>(signal));
  }
  if (signal != 0 && !is_valid_signal(signal)) return Errno::Inval;
  Optional<Ref<ThreadGroup>> group;
  {
    RcuReadGuard reading;
    ThreadGroup* found = pid->thread_group();
    if (found == nullptr || !found->try_ref()) return Errno::Srch;
    group = Ref<ThreadGroup>::adopt(*found);
  }
  TRY(send_signal_to_group(context.task, *group, info));
  return 0;
}

// The descriptor of another process is ours too from now on, closed by execve.
Value sys_pidfd_getfd(Context& context, Fd fd, Fd wanted, Flags32 flags) {
  if (!flags.only(0)) return Errno::Inval;
  Ref<Task> target = TRY(task_of_pidfd(*TRY(context.task.files->get(fd))));
  if (!may_trace(context.task, *target, IdsFrom::Real)) return Errno::Perm;
  Optional<Ref<FdTable>> files = files_of(*target);
  if (!files) return Errno::BadF;
  Ref<File> file = TRY(files->get(wanted, true));
  uint64_t limit = task::limit(context.task.group(), Resource::OpenFiles).soft;
  return TRY(context.task.files->install(std::move(file), true, limit));
}

}  // namespace kernel::syscall
