// SPDX-License-Identifier: MIT
// What opening an inode gives by its type, for file systems that have nothing special to say.
#pragma once

#include "fs/vfs/file.h"

namespace kernel::vfs {

// Regular files, directories, FIFOs, devices. Errors: NxIo: no such device, or a socket.
Result<Ref<File>> open_by_type(const Path& path, uint32_t flags);

Result<Ref<File>> open_regular(const Path& path, uint32_t flags);
// Of these, one whose contents are a DiskObject.
Result<Ref<File>> open_on_disk(const Path& path, uint32_t flags);
Result<Ref<File>> open_directory(const Path& path, uint32_t flags);
// O_PATH: the place, without its contents.
Result<Ref<File>> open_place(const Path& path, uint32_t flags);

// How many bytes may be written at `offset`: RLIMIT_FSIZE and the largest file. Error: FBig, behind
// a SIGXFSZ where write(2) has one.
Result<uint64_t> write_limit(uint64_t offset);

// What a write does to the mode bits and to the file's capabilities (inode's lock held).
void drop_privileges_locked(Inode& inode);
// What a change of the owner does to the latter.
void drop_capabilities_locked(Inode& inode);

}  // namespace kernel::vfs
