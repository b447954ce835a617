// SPDX-License-Identifier: MIT
// The locking commands of fcntl(2) (fcntl_locking(2)).
#pragma once

#include "fs/vfs/file.h"
#include "syscall/context.h"

namespace kernel::syscall {

// `open_file`: F_OFD_*, owned by the open file; else by the process (its descriptor table).
Value get_record_lock(Context& context, File& file, UserAddr lock, bool open_file);
Value set_record_lock(Context& context, File& file, UserAddr lock, bool open_file, bool wait);

}  // namespace kernel::syscall
