// SPDX-License-Identifier: MIT
// See pipe_file.h.

#include "fs/pipe/pipe_file.h"

#include "fs/pipe/fifo.h"
#include "fs/vfs/anonymous.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

constexpr uint32_t kFionRead = 0x541b;

}  // namespace

Result<PipePair> make_pipe(uint32_t flags) {
  Ref<Pipe> pipe = TRY(Pipe::create());
  Path path = TRY(anonymous::make_place(anonymous::Kind::Pipe, "pipe", true));
  uint32_t status = flags & (kOpenNonBlock | kOpenDirect);
  attach_pipe(path.inode(), *pipe);  // /proc/PID/fd opens it again
  Ref<PipeFile> reader =
      TRY(make_ref<PipeFile>(path, (status & ~kOpenDirect) | kOpenReadOnly, pipe, false, 0u));
  pipe->add_reader();
  Ref<PipeFile> writer = TRY(make_ref<PipeFile>(path, status | kOpenWriteOnly, pipe, false, 0u));
  pipe->add_writer();
  return PipePair{std::move(reader), std::move(writer)};
}

Result<size_t> PipeFile::read(IoBuffer& buffer, uint64_t) {
  if (buffer.remaining() == 0) return size_t{0};
  Result<size_t> moved = pipe_->read(buffer, nonblocking());
  pipe_->async_writers.notify(FileEvent::Out);
  if (moved.ok() && *moved != 0) inode().touch(true, false, false);
  return moved;
}

Result<size_t> PipeFile::write(IoBuffer& buffer, uint64_t) {
  if (buffer.remaining() == 0) return size_t{0};
  Result<size_t> moved = pipe_->write(buffer, nonblocking(), (flags() & kOpenDirect) != 0);
  pipe_->async_readers.notify(FileEvent::In);
  if (moved.ok() && *moved != 0) inode().touch(false, true, true);
  return moved;
}

// Not inline in poll(), which without it needs no frame.
[[gnu::noinline]] uint32_t PipeFile::poll_registered(PollRegistration& registration) {
  if (readable()) pipe_->wait_as_reader(registration);
  if (writable()) pipe_->wait_as_writer(registration);
  return events();
}

uint32_t PipeFile::poll(PollRegistration* registration) {
  return registration == nullptr ? events() : poll_registered(*registration);
}

uint32_t PipeFile::events() const {
  uint32_t mode = flags(), events = 0;
  if (open_for(mode, kOpenReadOnly)) {
    events |= pipe_->reader_events();
    // fifo(7): a reader that opened first sees no hang-up before the first writer has come.
    if (is_fifo_ && pipe_->writer_opens() == writers_before_) events &= ~kPollHup;
  }
  if (open_for(mode, kOpenWriteOnly)) events |= pipe_->writer_events();
  return events;
}

Result<int64_t> PipeFile::ioctl(uint32_t request, uint64_t argument) {
  if (request != kFionRead) return Errno::NoTty;
  auto bytes = static_cast<int32_t>(pipe_->readable_bytes());
  TRY(UserOut<int32_t>(UserAddr{argument}).write(bytes));
  return int64_t{0};
}

AsyncQueues PipeFile::async_queues() {
  AsyncQueue* readers = readable() ? &pipe_->async_readers : nullptr;
  AsyncQueue* writers = writable() ? &pipe_->async_writers : nullptr;
  return readers != nullptr ? AsyncQueues{readers, writers} : AsyncQueues{writers};
}

void PipeFile::on_close() {
  if (readable()) pipe_->remove_reader();
  if (writable()) pipe_->remove_writer();
  // One side is alone now, and may want to know.
  if ((pipe_->readers() != 0) != (pipe_->writers() != 0)) {
    pipe_->async_readers.notify(FileEvent::In);
    pipe_->async_writers.notify(FileEvent::Out);
  }
  close_fifo(inode(), *pipe_);
}

}  // namespace kernel
