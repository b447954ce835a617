// SPDX-License-Identifier: MIT
// close(2), close_range(2), dup(2), dup3(2), pipe2(2).

#include "fs/pipe/pipe_file.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {

Value sys_close(Context& context, Fd fd) {
  Result<> closed = files_of(context).close(fd);
  // The descriptor has gone whatever flush() said: a restart would close somebody else's.
  if (!closed.ok() &&
      static_cast<int32_t>(closed.error()) >= static_cast<int32_t>(Errno::RestartSys)) {
    return Errno::Intr;
  }
  if (!closed.ok()) return closed.error();
  return 0;
}

Value sys_close_range(Context& context, uint32_t first, uint32_t last, Flags32 flags) {
  constexpr uint32_t kUnshare = 2, kCloseOnExec = 4;
  if (!flags.only(kUnshare | kCloseOnExec) || first > last) return Errno::Inval;
  if (flags.has(kUnshare) && files_of(context).ref_count() > 1) {
    Ref<FdTable> own = TRY(files_of(context).clone());
    FdTable* shared;
    {
      Guard guard(context.task.group().signal_lock);  // others look at it there
      shared = std::exchange(context.task.files, std::move(own).leak());
    }
    shared->unref();
  }
  files_of(context).close_range(first, last, flags.has(kCloseOnExec));
  return 0;
}

Value sys_dup(Context& context, Fd fd) {
  FileUse file = TRY(use_place(context, fd));
  return install_file(context, file.to_ref(), false);
}

Value sys_dup3(Context& context, Fd from, Fd to, Flags32 flags) {
  if (!flags.only(kOpenCloseOnExec) || from == to) return Errno::Inval;
  if (to < 0 || static_cast<uint64_t>(to) >= open_files_limit(context)) return Errno::BadF;
  Ref<File> file = TRY(files_of(context).get(from, true));
  TRY(files_of(context).replace(to, std::move(file), flags.has(kOpenCloseOnExec),
                                open_files_limit(context)));
  return to;
}

Value sys_pipe2(Context& context, UserAddr numbers, Flags32 flags) {
  constexpr uint32_t kNotificationPipe = kOpenExclusive;  // watch queues: not there
  if (flags.has(kNotificationPipe)) return Errno::NoSys;
  if (!flags.only(kOpenCloseOnExec | kOpenNonBlock | kOpenDirect)) return Errno::Inval;
  PipePair pair = TRY(make_pipe(flags.bits()));
  FdTable& files = files_of(context);
  uint64_t limit = open_files_limit(context);
  bool close_on_exec = flags.has(kOpenCloseOnExec);
  int32_t fds[2];
  fds[0] = TRY(files.reserve(limit));
  Result<Fd> second = files.reserve(limit);
  if (!second.ok()) {
    files.release(fds[0]);
    return second.error();
  }
  fds[1] = *second;
  Result<> told = copy_out(numbers, fds, sizeof fds);
  if (!told.ok()) {
    files.release(fds[0]);
    files.release(fds[1]);
    return told.error();
  }
  files.fill(fds[0], std::move(pair.reader), close_on_exec);
  files.fill(fds[1], std::move(pair.writer), close_on_exec);
  return 0;
}

}  // namespace kernel::syscall
