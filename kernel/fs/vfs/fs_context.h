// SPDX-License-Identifier: MIT
// Where a task stands in the file system: root, working directory, umask. Shared by CLONE_FS.
#pragma once

#include "fs/vfs/path.h"
#include "sync/seq_lock.h"

namespace kernel {

class FsContext final : public RefCounted<FsContext> {
 public:
  static Result<Ref<FsContext>> create(const Path& root, const Path& working_directory,
                                       uint16_t umask);
  Result<Ref<FsContext>> clone() const;
  ~FsContext();

  Path root() const;
  Path working_directory() const;
  // Where walks begin: without a lock and without references. RCU section; who wants to keep it
  // tries to take references, as another thread may have gone somewhere else.
  struct Borrowed {
    Mount* mount;
    Dentry* dentry;
  };
  Borrowed borrow_root() const { return borrow(root_); }
  Borrowed borrow_working_directory() const { return borrow(working_directory_); }
  void set_root(const Path& path) { replace(root_, path); }
  void set_working_directory(const Path& path) { replace(working_directory_, path); }
  uint16_t umask() const { return umask_.load_relaxed(); }
  uint16_t set_umask(uint16_t mask) { return umask_.exchange_relaxed(mask & 0777); }

 private:
  // A Path in two words, with a reference on each. Changed under lock_, inside sequence_.
  struct Place {
    Atomic<Mount*> mount;
    Atomic<Dentry*> dentry;
    Borrowed get() const { return {mount.load_relaxed(), dentry.load_relaxed()}; }
    void hold(Mount& new_mount, Dentry& new_dentry);
  };
  explicit FsContext(uint16_t umask) : umask_(umask) {}
  Borrowed borrow(const Place& place) const {
    for (;;) {
      uint32_t sequence = sequence_.begin_read();
      Borrowed found = place.get();
      if (!sequence_.must_retry(sequence)) return found;
    }
  }
  Path read(const Place& place) const;
  void replace(Place& place, const Path& path);

  mutable SpinLock<LockRank::Leaf> lock_;
  SequenceCounter sequence_;
  Place root_;
  Place working_directory_;
  Atomic<uint16_t> umask_;
};

}  // namespace kernel
