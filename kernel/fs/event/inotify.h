// SPDX-License-Identifier: MIT
// inotify(7): a queue of what happened to watched files, as a file. The calls are in
// syscall/inotify.cc, the hooks in fs/vfs/notify.h.
#pragma once

#include "fs/vfs/file.h"

namespace kernel::inotify {

// Flags of a watch beside the events (IN_*).
inline constexpr uint32_t kExcludeUnlinked = 0x0400'0000, kMaskCreate = 0x1000'0000,
                          kMaskAdd = 0x2000'0000, kOneShot = 0x8000'0000;

// Errors: MFile: too many of this user; NoMem.
Result<Ref<File>> create(uint32_t flags);
Result<> check_kind(const File& file);  // Inval: another kind
// Both after check_kind(). Returns the watch's number, which is that of an earlier watch on the
// same inode. Errors: Exist (kMaskCreate), NoSpc (too many of this user), NoMem.
Result<int32_t> add_watch(File& file, Inode& inode, uint32_t mask);
Result<> remove_watch(File& file, int32_t number);  // Inval: no such watch

// fs.inotify.*
uint64_t max_queued_events();
void set_max_queued_events(uint64_t count);
uint64_t max_user_instances();
void set_max_user_instances(uint64_t count);
uint64_t max_user_watches();
void set_max_user_watches(uint64_t count);

}  // namespace kernel::inotify
