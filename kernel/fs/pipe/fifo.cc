// SPDX-License-Identifier: MIT
// See fifo.h. The inode points to the pipe while the pipe is open somewhere; that pointer owns
// nothing, and the last close takes it away under the same lock under which an open finds it.

#include "fs/pipe/fifo.h"

#include "fs/pipe/pipe_file.h"
#include "fs/vfs/anonymous.h"

namespace kernel {
namespace {

// The inode's pipe with a reference, made when nobody has it open.
Result<Ref<Pipe>> pipe_of(Inode& inode) {
  Ref<Pipe> fresh = TRY(Pipe::create());
  Guard guard(inode.attribute_lock);
  if (inode.fifo != nullptr && inode.fifo->try_ref()) return Ref<Pipe>::adopt(*inode.fifo);
  inode.fifo = fresh.get();
  return fresh;
}

Result<> wait_for_other_side(Pipe& pipe, bool reads, uint32_t opens_before) {
  return pipe.opens().wait([&] {
    if (reads) return pipe.writers() != 0 || pipe.writer_opens() != opens_before;
    return pipe.readers() != 0 || pipe.reader_opens() != opens_before;
  });
}

}  // namespace

Result<Ref<File>> open_fifo(const Path& path, uint32_t flags) {
  bool nonblocking = (flags & kOpenNonBlock) != 0;
  uint32_t mode = flags & kOpenAccessMode;
  bool reads = mode == kOpenReadOnly;
  bool writes = mode == kOpenWriteOnly;
  if (mode == kOpenAccessMode) return Errno::Inval;
  Ref<Pipe> pipe = TRY(pipe_of(path.inode()));
  // A pipe is opened again by /proc/PID/fd: nobody is to come to its other side.
  bool named = !anonymous::is_place(path, anonymous::Kind::Pipe);
  if (named && writes && nonblocking && pipe->readers() == 0) {
    close_fifo(path.inode(), *pipe);  // the inode must not point to what goes now
    return Errno::NxIo;
  }

  uint32_t writer_opens = pipe->writer_opens();
  uint32_t reader_opens = pipe->reader_opens();
  // fifo(7): opening for both never waits. Looked at before the other side can see this one: it may
  // wake, do all it wants and be gone before this thread goes on, and has been there all the same.
  bool alone = reads ? pipe->writers() == 0 : writes && pipe->readers() == 0;
  // From here on closing the file undoes what opening did.
  Ref<PipeFile> file =
      TRY(make_ref<PipeFile>(path, flags & ~kOpenDirect, pipe, named, writer_opens));
  if (!writes) pipe->add_reader();
  if (!reads) pipe->add_writer();
  if (named && alone && !nonblocking) {
    TRY(wait_for_other_side(*pipe, reads, reads ? writer_opens : reader_opens));
  }
  return Ref<File>(std::move(file));
}

void attach_pipe(Inode& inode, Pipe& pipe) {
  Guard guard(inode.attribute_lock);
  inode.fifo = &pipe;
}

void close_fifo(Inode& inode, Pipe& pipe) {
  Guard guard(inode.attribute_lock);
  if (inode.fifo == &pipe && pipe.readers() == 0 && pipe.writers() == 0) inode.fifo = nullptr;
}

}  // namespace kernel
