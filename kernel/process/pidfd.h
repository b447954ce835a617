// SPDX-License-Identifier: MIT
// Process file descriptors (pidfd_open(2)): a descriptor that stands for a process and becomes
// readable when it ends.
#pragma once

#include "fs/vfs/fd_table.h"
#include "task/task.h"

namespace kernel {

Result<Ref<File>> make_pidfd(Ref<Pid> pid, uint32_t flags);
// The identity behind one; BadF for other files.
Result<Ref<Pid>> pid_of_pidfd(const File& file);
// The same, and a descriptor of /proc/PID, which pidfd_send_signal(2) takes as well.
Result<Ref<Pid>> pid_of_signal_target(const File& file);
// Errors: BadF; Srch when the process has been reaped.
Result<Ref<Task>> task_of_pidfd(const File& file);

// CLONE_PIDFD: a descriptor and its number told to the caller before the child exists; nothing is
// left when the child is not made.
class ReservedPidFd {
 public:
  static Result<ReservedPidFd> reserve(Task& task, Ref<Pid> pid, UserAddr number_address);
  ReservedPidFd(ReservedPidFd&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)),
        fd_(other.fd_),
        file_(std::move(other.file_)) {}
  ~ReservedPidFd();
  void commit();

 private:
  ReservedPidFd(FdTable& table, Fd fd, Ref<File> file)
      : table_(&table), fd_(fd), file_(std::move(file)) {}
  FdTable* table_;  // null: done. The running task's own
  Fd fd_;
  Optional<Ref<File>> file_;
};

}  // namespace kernel
