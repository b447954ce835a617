// SPDX-License-Identifier: MIT
// The contents of an inode on a disk: a DiskObject that finds its inode when pages are to be
// written, for as long as there is one. The inode holds the object, never the other way round.
// The inode's evict(): without links object.set_size(0), truncate(0); else object.write_back() of
// everything; then detach().
#pragma once

#include "fs/vfs/inode.h"
#include "vm/disk_object.h"

namespace kernel {

class InodeObject : public DiskObject {
 public:
  // The end of the inode's evict(): what was dirty has been written or dropped.
  void detach() {
    owner_.publish(nullptr);
    leave_group();
  }

 protected:
  InodeObject(WriteBackGroup& group, Inode& owner) : DiskObject(group), owner_(&owner) {}

 private:
  // An inode's memory outlives its evict() until no reader of RCU sees it.
  bool hold_owner() final {
    RcuReadGuard reading;
    Inode* owner = owner_.read();
    return owner != nullptr && owner->try_ref();
  }
  void release_owner() final { owner_.read()->unref(); }

  RcuPointer<Inode> owner_;
};

}  // namespace kernel
