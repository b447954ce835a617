// SPDX-License-Identifier: MIT
// See fs_context.h.

#include "fs/vfs/fs_context.h"

#include "fs/vfs/mount.h"

namespace kernel {

Result<Ref<FsContext>> FsContext::create(const Path& root, const Path& working_directory,
                                         uint16_t umask) {
  FsContext* made = new (std::nothrow) FsContext(root, working_directory, umask);
  if (made == nullptr) return Errno::NoMem;
  return Ref<FsContext>::adopt(*made);
}

Result<Ref<FsContext>> FsContext::clone() const {
  return create(root(), working_directory(), umask());
}

Path FsContext::root() const {
  Guard guard(lock_);
  return root_;
}

Path FsContext::working_directory() const {
  Guard guard(lock_);
  return working_directory_;
}

// The place that was there is dropped behind the lock: letting go of it may sleep.
void FsContext::set_root(const Path& path) {
  Path other = path;
  Guard guard(lock_);
  std::swap(root_, other);
}

void FsContext::set_working_directory(const Path& path) {
  Path other = path;
  Guard guard(lock_);
  std::swap(working_directory_, other);
}

}  // namespace kernel
