// SPDX-License-Identifier: MIT
// devtmpfs: a tmpfs that has a node for every device that is registered, and that programs may
// change. One instance, however often it is mounted.
#pragma once

#include "fs/vfs/inode.h"

namespace kernel::devtmpfs {

// The file system, the nodes of what is registered so far, and the memory devices (null, zero,
// random…). Boot, after vfs::mount_root().
Result<> init();
// Those of block devices as well, from now on: block_nodes.cc.
Result<> add_block_nodes();

// For who makes nodes: the directory /dev, and the entry `name` of a directory, made when it is not
// there.
Dentry& root();
Result<Ref<Dentry>> make_entry(Dentry& directory, StringView name,
                               const CreateParameters& parameters);

}  // namespace kernel::devtmpfs
