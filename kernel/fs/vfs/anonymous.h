// SPDX-License-Identifier: MIT
// Places for files that have no name in any directory: pipes, eventfd, memfd, sockets. Each has an
// inode of its own on an internal file system that nobody can reach by a path.
#pragma once

#include "fs/vfs/mount.h"

namespace kernel::anonymous {

// pipefs, anon_inodefs, sockfs, nsfs
enum class Kind : uint8_t { Pipe, Event, Socket, Namespace };

// A place whose name is `label` or, with its inode's number, "label:[number]".
Result<Path> make_place(Kind kind, StringView label, bool with_number);
// The same for an inode that exists, on its own file system (memfd on tmpfs).
Result<Path> make_place(Ref<Mount> mount, StringView name, Ref<Inode> inode);

// For inodes of its own kind.
Ref<Mount> mount_of(Kind kind);

// Whether the place is one of this kind.
bool is_place(const Path& path, Kind kind);

// Boot.
Result<> init();

}  // namespace kernel::anonymous
