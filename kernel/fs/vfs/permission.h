// SPDX-License-Identifier: MIT
// The permission rules that several operations on names share. For the running task.
#pragma once

#include "fs/vfs/path.h"

namespace kernel::vfs {

Result<> check_writable_mount(const Path& path);  // RoFs
// Attributes of what is immutable or append-only stay as they are. Error: Perm.
Result<> check_changeable(const Inode& inode);
bool owns_or_fowner(const Inode& inode, const Credentials& credentials);
// Making and removing an entry of `directory`. Errors: NoEnt (removed), RoFs, Acces, Perm (sticky).
Result<> check_create_in(const Path& directory);
Result<> check_remove_from(const Path& directory, Inode& target);
// Owner, group and mode of what the task makes in `directory`; the mode is umask'ed already.
CreateParameters new_inode_parameters(const Inode& directory, FileType type, uint16_t mode);

// What proc(5) says of /proc/sys/fs/protected_*: traps that other users may have laid in a sticky,
// world-writable directory. Each is one number, read without a lock.
struct Protection {
  Atomic<uint32_t> hard_links{1};
  Atomic<uint32_t> symbolic_links{1};
  Atomic<uint32_t> fifos;
  Atomic<uint32_t> regular_files;
};
extern Protection protection;
// link(2): a file that is somebody else's must at least be open to the caller. Error: Perm.
Result<> check_link_source(Inode& target);
// A symbolic link at the end of a path, in `directory`. Error: Acces.
Result<> check_follow(const Inode& directory, const Inode& link);
// open(2) with O_CREAT found `target` in `directory`. Error: Acces.
Result<> check_sticky_create(const Inode& directory, const Inode& target);

}  // namespace kernel::vfs
