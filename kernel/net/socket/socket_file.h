// SPDX-License-Identifier: MIT
// The open file on a socket. One at most for each socket; the socket itself may live on, as the
// peer or the sender that others remember.
#pragma once

#include "net/socket/socket.h"

namespace kernel {

class SocketFile final : public File {
 public:
  // `flags`: O_NONBLOCK.
  static Result<Ref<SocketFile>> create(Ref<Socket> socket, uint32_t flags);
  // Null when the file is none.
  static SocketFile* of(File& file) {
    return file.kind() == &kKind ? static_cast<SocketFile*>(&file) : nullptr;
  }
  Socket& socket() const { return *socket_; }

  SocketFile(Path path, uint32_t flags, Ref<Socket> socket);
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  uint32_t poll(PollRegistration* registration) override { return socket_->poll(registration); }
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  Result<> flush() override {
    socket_->descriptor_closed();
    return {};
  }
  void show_info(FormatSink& sink) override { socket_->show_info(sink); }
  const void* kind() const override { return &kKind; }

 protected:
  void on_close() override;

 private:
  static const char kKind;
  Optional<Ref<Socket>> socket_;  // until the last close
};

}  // namespace kernel
