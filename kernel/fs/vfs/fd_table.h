// SPDX-License-Identifier: MIT
// Descriptor tables: small numbers to open files, with the close-on-exec flag. Shared by CLONE_FILES.
// Lookup takes no lock: an RCU section and try_ref; a table used by one thread only borrows.
#pragma once

#include "fs/vfs/file.h"
#include "lib/bitmap.h"

namespace kernel {

using Fd = int32_t;

class FdTable final : public RefCounted<FdTable> {
 public:
  static Result<Ref<FdTable>> create();
  // fork without CLONE_FILES: the same files under the same numbers.
  Result<Ref<FdTable>> clone() const;
  ~FdTable();

  // Error: BadF (also for O_PATH files unless `allow_path`).
  Result<Ref<File>> get(Fd fd, bool allow_path = false) const;

  // The lowest free number >= `from`, below the limit RLIMIT_NOFILE given. Errors: MFile, NoMem.
  Result<Fd> install(Ref<File> file, bool close_on_exec, uint64_t limit, Fd from = 0);
  // In two steps, for calls that must not fail after the file was made (pipe2, accept).
  Result<Fd> reserve(uint64_t limit, Fd from = 0);
  void fill(Fd fd, Ref<File> file, bool close_on_exec);
  void release(Fd fd);
  // dup2/dup3: replaces what is there. Error: BadF beyond the limit.
  Result<> replace(Fd fd, Ref<File> file, bool close_on_exec, uint64_t limit);

  Result<> close(Fd fd);  // BadF; the error of flush() is passed on
  Result<> close_range(Fd first, Fd last, bool only_mark_close_on_exec);
  void close_on_exec();   // execve
  Result<bool> close_on_exec_flag(Fd fd) const;
  Result<> set_close_on_exec(Fd fd, bool value);
  // The first open descriptor >= from; -1 when none. For /proc/PID/fd.
  Fd next_open(Fd from) const;

 private:
  FdTable() = default;
  struct Slots;  // RCU-replaced when the table grows
  mutable SpinLock<LockRank::Leaf> lock_;
  RcuPointer<Slots> slots_;
};

}  // namespace kernel
