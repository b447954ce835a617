// SPDX-License-Identifier: MIT
// SOCK_STREAM of AF_UNIX: bytes without boundaries, but for descriptors, senders and urgent data,
// behind which a read ends.
#pragma once

#include "net/unix/unix_socket.h"

namespace kernel {

class UnixStream final : public UnixSocket {
 public:
  UnixStream() : UnixSocket(SocketType::Stream) {}
  Result<size_t> send(OutgoingMessage& message) override;
  Result<size_t> receive(IncomingMessage& message) override;

 private:
  struct Reading;
  enum class Next : uint8_t { Done, FaultIn, Wait };

  Result<size_t> broken_pipe(const OutgoingMessage& message, size_t sent);
  Result<> deliver(UnixStream& receiver, Ref<UnixMessage> message, bool urgent);
  Next read_some(IncomingMessage& message, Reading& reading);
  UnixMessage* find_locked(const IncomingMessage& message, Reading& reading) REQUIRES(lock_);
  UnixMessage* pass_urgent_locked(UnixMessage& at, const IncomingMessage& message, Reading& reading)
      REQUIRES(lock_);
  Next at_end_locked(const IncomingMessage& message, Reading& reading) REQUIRES(lock_);
  bool peek(UnixMessage& message, size_t count, Reading& reading);
  bool consume(UnixMessage& message, size_t count, Reading& reading);
  Result<size_t> receive_urgent(IncomingMessage& message);

  // One reader at a time: it copies from a message that it leaves in the queue.
  Mutex<LockRank::SocketReader> reader_lock_;
};

}  // namespace kernel
