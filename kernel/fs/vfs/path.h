// SPDX-License-Identifier: MIT
// Names in memory: dentries (one per name, cached, negative ones too), mounts, and a Path, which is a
// dentry seen through a mount. Walks run inside an RCU section and take no lock and no reference per
// step (path_resolution(7)).
#pragma once

#include "fs/vfs/super_block.h"

namespace kernel {

class Mount;

class Dentry final : public RefCounted<Dentry>, public RcuHead {
 public:
  Inode* inode() const { return inode_.read(); }  // null: negative. RCU section or a reference held
  Dentry& parent() const { return *parent_.read(); }
  StringView name() const;
  bool is_root() const { return parent_.read() == this; }
  static void last_unref(Dentry* dentry);

 private:
  friend class DentryCache;
  RcuPointer<Dentry> parent_;
  RcuPointer<Inode> inode_;
  // fs/vfs/dentry.cc fills in: hash chain, LRU, children, inline name, sequence counter.
};

class Path {
 public:
  Path(Ref<Mount> mount, Ref<Dentry> dentry) : mount_(std::move(mount)), dentry_(std::move(dentry)) {}
  Mount& mount() const { return *mount_; }
  Dentry& dentry() const { return *dentry_; }
  Inode& inode() const { return *dentry_->inode(); }
  Ref<Mount> mount_ref() const { return mount_; }
  Ref<Dentry> dentry_ref() const { return dentry_; }
  // Absolute name as seen from `root`; " (deleted)" behind it when unlinked, "(unreachable)" before it.
  Result<String> to_string(const Path& root) const;
  friend bool operator==(const Path& a, const Path& b) {
    return a.mount_ == b.mount_ && a.dentry_ == b.dentry_;
  }

 private:
  Ref<Mount> mount_;
  Ref<Dentry> dentry_;
};

}  // namespace kernel
