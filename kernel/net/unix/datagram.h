// SPDX-License-Identifier: MIT
// SOCK_DGRAM and SOCK_SEQPACKET of AF_UNIX: messages that arrive whole or not at all, in order, and
// never get lost.
#pragma once

#include "net/unix/unix_socket.h"

namespace kernel {

class UnixDatagram final : public UnixSocket {
 public:
  explicit UnixDatagram(SocketType type) : UnixSocket(type) {}
  Result<> connect(const SocketAddress& address, bool nonblocking) override;
  Result<size_t> send(OutgoingMessage& message) override;
  Result<size_t> receive(IncomingMessage& message) override;
  uint32_t poll(PollRegistration* registration) override;

 private:
  enum class Delivery : uint8_t { Done, Dead, Full };

  bool is_connection() const { return type() == SocketType::SequencedPacket; }
  Result<> connect_datagram(const SocketAddress& address);
  void disconnect();
  void leave(UnixSocket& old, const UnixSocket* next);
  void drop_messages_of(UnixDatagram& other);

  Result<Delivery> deliver(UnixDatagram& receiver, Ref<UnixMessage>& message);
  Result<> lost(UnixDatagram& receiver, bool addressed);
  bool is_peer_full();

  Optional<Ref<UnixMessage>> take_locked(bool peeks, size_t& skip) REQUIRES(lock_);
  Result<size_t> hand_over(IncomingMessage& message, UnixMessage& taken, size_t skip);
};

}  // namespace kernel
