// SPDX-License-Identifier: MIT
// See fs_context.h.

#include "fs/vfs/fs_context.h"

#include "fs/vfs/mount.h"

namespace kernel {

void FsContext::Place::hold(Mount& new_mount, Dentry& new_dentry) {
  new_mount.ref();
  new_dentry.ref();
  mount.store_relaxed(&new_mount);
  dentry.store_relaxed(&new_dentry);
}

Result<Ref<FsContext>> FsContext::create(const Path& root, const Path& working_directory,
                                         uint16_t umask) {
  auto* made = new (std::nothrow) FsContext(umask);
  if (made == nullptr) return Errno::NoMem;
  made->root_.hold(root.mount(), root.dentry());
  made->working_directory_.hold(working_directory.mount(), working_directory.dentry());
  return Ref<FsContext>::adopt(*made);
}

Result<Ref<FsContext>> FsContext::clone() const {
  auto* made = new (std::nothrow) FsContext(umask());
  if (made == nullptr) return Errno::NoMem;
  Guard guard(lock_);
  Borrowed root = root_.get(), working_directory = working_directory_.get();
  made->root_.hold(*root.mount, *root.dentry);
  made->working_directory_.hold(*working_directory.mount, *working_directory.dentry);
  return Ref<FsContext>::adopt(*made);
}

FsContext::~FsContext() {
  for (Borrowed place : {root_.get(), working_directory_.get()}) {
    place.dentry->unref();
    place.mount->unref();
  }
}

Path FsContext::root() const { return read(root_); }
Path FsContext::working_directory() const { return read(working_directory_); }

Path FsContext::read(const Place& place) const {
  Guard guard(lock_);
  Borrowed there = place.get();
  return Path(Ref<Mount>(*there.mount), Ref<Dentry>(*there.dentry));
}

// The place that was there is dropped behind the lock: letting go of it may sleep.
void FsContext::replace(Place& place, const Path& path) {
  Borrowed before;
  {
    Guard guard(lock_);
    before = place.get();
    sequence_.begin_write();
    place.hold(path.mount(), path.dentry());
    sequence_.end_write();
  }
  before.dentry->unref();
  before.mount->unref();
}

}  // namespace kernel
