// SPDX-License-Identifier: MIT
// The permission rules that several operations on names share. For the running task.
#pragma once

#include "fs/vfs/path.h"

namespace kernel::vfs {

Result<> check_writable_mount(const Path& path);  // RoFs
bool owns_or_fowner(const Inode& inode, const Credentials& credentials);
// Making and removing an entry of `directory`. Errors: NoEnt (removed), RoFs, Acces, Perm (sticky).
Result<> check_create_in(const Path& directory);
Result<> check_remove_from(const Path& directory, Inode& target);
// Owner, group and mode of what the task makes in `directory`; the mode is umask'ed already.
CreateParameters new_inode_parameters(const Inode& directory, FileType type, uint16_t mode);

}  // namespace kernel::vfs
