// SPDX-License-Identifier: MIT
// The nodes of block devices, which come and go.

#include "dev/block_registry.h"
#include "fs/devfs/devtmpfs.h"
#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/notify.h"

namespace kernel::devtmpfs {
namespace {

// A node that somebody took away, or put a mount on, is not ours to remove.
Result<> remove_entry(Dentry& directory, StringView name) {
  Inode& parent = *directory.inode();
  Optional<Ref<Dentry>> dentry;  // let go of behind the lock: the inode may end with it
  Guard guard(parent.lock);
  dentry = TRY(DentryCache::lookup_locked(directory, name));
  if (dentry->inode() == nullptr || dentry->is_mount_point()) return {};
  TRY(parent.unlink(name, *dentry->inode()));
  DentryCache::remove(*dentry);
  notify::removed(parent, *dentry);
  return {};
}

Result<> add_or_remove_block_node(BlockDevice& device, bool present) {
  if (present) {
    CreateParameters parameters;
    parameters.type = FileType::BlockDevice;
    parameters.mode = 0600;
    parameters.device = {device.major(), device.minor()};
    TRY(make_entry(root(), device.name(), parameters));
    return {};
  }
  return remove_entry(root(), device.name());
}

}  // namespace

Result<> add_block_nodes() { return BlockRegistry::set_sink(add_or_remove_block_node); }

}  // namespace kernel::devtmpfs
