// SPDX-License-Identifier: MIT
// Where a task stands in the file system: root, working directory, umask. Shared by CLONE_FS.
#pragma once

#include "fs/vfs/path.h"

namespace kernel {

namespace vfs {
class PathWalkAccess;
}

class FsContext final : public RefCounted<FsContext> {
 public:
  static Result<Ref<FsContext>> create(const Path& root, const Path& working_directory,
                                       uint16_t umask);
  Result<Ref<FsContext>> clone() const;

  Path root() const;
  Path working_directory() const;
  void set_root(const Path& path);
  void set_working_directory(const Path& path);
  uint16_t umask() const { return umask_.load_relaxed(); }
  uint16_t set_umask(uint16_t mask) { return umask_.exchange_relaxed(mask & 0777); }

 private:
  friend class vfs::PathWalkAccess;  // reads both places without references inside an RCU section
  FsContext(const Path& root, const Path& working_directory, uint16_t umask)
      : root_(root), working_directory_(working_directory), umask_(umask) {}
  mutable SpinLock<LockRank::Leaf> lock_;
  Path root_ GUARDED_BY(lock_);
  Path working_directory_ GUARDED_BY(lock_);
  Atomic<uint16_t> umask_;
};

}  // namespace kernel
