// SPDX-License-Identifier: MIT
// FIFOs (fifo(7)): a pipe that is found by a name, and how its two sides wait for each other.
#pragma once

#include "fs/vfs/file.h"

namespace kernel {

// open(2) of a FIFO. Sleeps until the other side is there unless O_NONBLOCK. Errors: NxIo: a writer
// that would not wait and finds no reader; RestartSys.
Result<Ref<File>> open_fifo(const Path& path, uint32_t flags);

// The inode of an unnamed pipe knows it as that of a FIFO does.
void attach_pipe(Inode& inode, Pipe& pipe);

// An open file on it has been closed: with the last one the pipe goes, and what is in it.
void close_fifo(Inode& inode, Pipe& pipe);

}  // namespace kernel
