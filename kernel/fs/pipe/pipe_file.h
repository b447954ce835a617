// SPDX-License-Identifier: MIT
// The open files on the ends of a pipe or FIFO.
#pragma once

#include "fs/pipe/pipe.h"
#include "fs/vfs/file.h"

namespace kernel {

struct PipePair {
  Ref<File> reader;
  Ref<File> writer;
};

// pipe2(2). `flags`: O_NONBLOCK, O_DIRECT.
Result<PipePair> make_pipe(uint32_t flags);

// An end by its access mode: a FIFO's may be both. The pipe's counts include it already.
class PipeFile final : public File {
 public:
  PipeFile(Path path, uint32_t flags, Ref<Pipe> pipe, bool is_fifo, uint32_t writers_before)
      : File(std::move(path), flags),
        pipe_(std::move(pipe)),
        is_fifo_(is_fifo),
        writers_before_(writers_before) {}
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  uint32_t poll(PollRegistration* registration) override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  Result<> synchronise(bool) override { return Errno::Inval; }
  AsyncQueues async_queues() override;
  Pipe* pipe() override { return pipe_.get(); }
  // Half of what is in it, for each end.
  uint64_t held_pages() const override { return pipe_->used_pages() / 2; }

 protected:
  void on_close() override;

 private:
  uint32_t poll_registered(PollRegistration& registration);
  uint32_t events() const;

  Ref<Pipe> pipe_;
  bool is_fifo_;
  uint32_t
      writers_before_;  // opens for writing before this one: no hang-up before the first behind it
};

}  // namespace kernel
