// SPDX-License-Identifier: MIT
// How AF_UNIX sockets come together and part: listen(2), connect(2), accept(2), socketpair(2),
// shutdown(2), and the last close.

#include "fs/vfs/identity.h"
#include "net/socket/family.h"
#include "net/socket/socket_file.h"
#include "net/unix/datagram.h"
#include "net/unix/stream.h"

namespace kernel {
namespace {

constexpr unsigned kUnknownToOthers = 2;  // lock subclass of a connection that is being made

}  // namespace

Result<Ref<UnixSocket>> UnixSocket::make(SocketType type) {
  if (type == SocketType::Stream) return TRY(make_ref<UnixStream>());
  return TRY(make_ref<UnixDatagram>(type));
}

Result<Ref<Socket>> UnixSocket::create(SocketType type, uint32_t protocol) {
  if (protocol != 0 && protocol != kFamilyUnix) return Errno::ProtoNoSupport;
  switch (type) {
    case SocketType::Raw: type = SocketType::Datagram; break;  // as it was in BSD
    case SocketType::Stream:
    case SocketType::Datagram:
    case SocketType::SequencedPacket:
      break;
    default: return Errno::SockTNoSupport;
  }
  return TRY(make(type));
}

UnixSocket* UnixSocket::of(File& file) {
  SocketFile* open = SocketFile::of(file);
  if (open == nullptr || open->socket().family() != kFamilyUnix) return nullptr;
  return static_cast<UnixSocket*>(&open->socket());
}

SenderCredentials UnixSocket::own_credentials() {
  const Credentials& credentials = vfs::acting_credentials();
  return {current_task().group().pid(), credentials.euid, credentials.egid};
}

Optional<Ref<UnixSocket>> UnixSocket::peer_socket() {
  Guard guard(lock_);
  UnixSocket* other = peer_.load_relaxed();
  if (other == nullptr) return {};
  return Ref<UnixSocket>(*other);
}

Socket::Peer UnixSocket::peer() {
  Guard guard(lock_);
  return {peer_sender_, peer_credentials_};
}

Result<> UnixSocket::listen(uint32_t backlog) {
  if (type() == SocketType::Datagram) return Errno::OpNotSupp;
  if (bound_name() == nullptr) return Errno::Inval;
  Optional<Ref<Credentials>> own = task::credentials_of(current_task());
  bool grows;
  {
    Guard guard(lock_);
    if (state_.load_relaxed() == State::Connected) return Errno::Inval;
    constexpr uint32_t kMost = SocketOptions::kMostBacklog;
    uint32_t limit = backlog < kMost ? backlog : kMost;
    grows = limit > queue_limit_;
    queue_limit_ = limit;
    state_.store_release(State::Listening);
    peer_sender_ = own_credentials();
    std::swap(peer_credentials_, own);  // what was there goes behind the lock
  }
  if (grows) room_.wake_all();
  return {};
}

Result<> UnixSocket::connect(const SocketAddress& address, bool nonblocking) {
  return connect_stream(address, nonblocking);
}

Result<> UnixSocket::connect_stream(const SocketAddress& address, bool nonblocking) {
  TRY(validate(address));
  if (options.has(socket_options::kPassCredentials)) TRY(autobind());
  SocketWait limit = send_wait(nonblocking);
  Ref<UnixSocket> made = TRY(make(type()));
  Ref<Credentials> credentials = task::credentials_of(current_task());
  for (;;) {
    Ref<UnixSocket> found = TRY(find(address, type()));
    UnixSocket& listener = *found;
    bool joined = false;
    {
      Guard2 guard(lock_, listener.lock_);
      if (listener.dead_) continue;
      if (!listener.listens() || (listener.shut() & kShutReceive) != 0) return Errno::ConnRefused;
      if (!listener.is_backlog_full_locked()) {
        if (state() == State::Connected) return Errno::IsConn;
        if (state() == State::Listening) return Errno::Inval;
        join_locked(listener, *made, std::move(credentials));
        joined = true;
      }
    }
    if (joined) {
      listener.readable_.wake(1, kReadableEvents);
      return {};
    }
    if (limit.is_immediate()) return Errno::Again;
    TRY(limit.until(
        listener.room_,
        [&listener] {
          Guard guard(listener.lock_);
          return listener.dead_ || (listener.shut() & kShutReceive) != 0 ||
                 !listener.is_backlog_full_locked();
        },
        true));
  }
}

// The two ends know each other; `made` waits in the backlog for somebody to accept it.
void UnixSocket::join_locked(UnixSocket& listener, UnixSocket& made, Ref<Credentials> credentials) {
  {
    Guard guard(made.lock_, kUnknownToOthers);
    ref();
    made.peer_.store_release(this);
    made.state_.store_release(State::Connected);
    made.unaccepted_ = true;
    made.peer_sender_ = own_credentials();
    made.peer_credentials_ = std::move(credentials);
    made.place_ = listener.place_;
  }
  const UnixName* name = listener.bound_name();
  name->ref();
  made.name_.store_release(name);
  peer_sender_ = listener.peer_sender_;
  peer_credentials_ = listener.peer_credentials_;
  made.ref();
  peer_.store_release(&made);
  state_.store_release(State::Connected);
  made.ref();
  listener.backlog_.push_back(made);
  ++listener.backlog_length_;
}

Result<Ref<Socket>> UnixSocket::accept(bool nonblocking) {
  if (type() == SocketType::Datagram) return Errno::OpNotSupp;
  if (!listens()) return Errno::Inval;
  SocketWait limit = receive_wait(nonblocking);
  UnixSocket* accepted = nullptr;
  auto take = [&] {
    Guard guard(lock_);
    accepted = backlog_.pop_front();
    if (accepted != nullptr) --backlog_length_;
    return accepted != nullptr || (shut() & kShutReceive) != 0 || has_error();
  };
  for (;;) {
    take();
    if (accepted != nullptr) break;
    if (Errno error = take_error(); error != Errno{}) return error;
    if (limit.is_immediate()) return Errno::Again;
    if ((shut() & kShutReceive) != 0) return Errno::Inval;
    TRY(limit.until(readable_, take, true));
    if (accepted != nullptr) break;
  }
  room_.wake();
  {
    Guard guard(accepted->lock_);
    accepted->unaccepted_ = false;
  }
  return Ref<Socket>(Ref<UnixSocket>::adopt(*accepted));
}

Result<> UnixSocket::pair_with(Socket& socket) {
  auto& other = static_cast<UnixSocket&>(socket);
  Ref<Credentials> credentials = task::credentials_of(current_task());
  Guard2 guard(lock_, other.lock_);
  ref();
  other.ref();
  peer_.store_release(&other);
  other.peer_.store_release(this);
  state_.store_release(State::Connected);
  other.state_.store_release(State::Connected);
  peer_sender_ = other.peer_sender_ = own_credentials();
  peer_credentials_ = credentials;
  other.peer_credentials_ = std::move(credentials);
  return {};
}

void UnixSocket::wake_everybody() {
  readable_.wake_all();
  writable_.wake_all();
}

Result<> UnixSocket::shutdown(uint32_t how) {
  Optional<Ref<UnixSocket>> other;
  {
    Guard guard(lock_);
    shutdown_.fetch_or_acq_rel(how);
    if (type() != SocketType::Datagram) {
      if (UnixSocket* peer = peer_.load_relaxed()) other = Ref<UnixSocket>(*peer);
    }
  }
  wake_everybody();
  room_.wake_all();
  if (!other) return {};
  // The other end's directions are the reverse of this one's.
  uint32_t reverse =
      ((how & kShutReceive) != 0 ? kShutSend : 0) | ((how & kShutSend) != 0 ? kShutReceive : 0);
  other->shutdown_.fetch_or_acq_rel(reverse);
  other->wake_everybody();
  return {};
}

// The last file has gone, or the listener before it accepted this.
void UnixSocket::close(Unaccepted unaccepted) {
  unbind();
  UnixSocket* other;
  List<UnixMessage> messages;
  List<UnixSocket, BacklogTag> connections;
  {
    Guard guard(lock_);
    dead_ = true;
    state_.store_release(State::Closed);
    shutdown_.store_release(kShutBoth);
    other = peer_.exchange_acq_rel(nullptr);
    urgent_ = nullptr;
    queue_length_ = files_queued_ = backlog_length_ = 0;
    messages.splice_back(queue_);
    connections.splice_back(backlog_);
    wake_followers_locked();
  }
  wake_everybody();
  room_.wake_all();
  if (other != nullptr) {
    unfollow(*other);
    if (type() != SocketType::Datagram) {
      other->shutdown_.fetch_or_acq_rel(kShutBoth);
      if (!messages.empty() || unaccepted == Unaccepted::Yes) other->set_error(Errno::ConnReset);
      other->wake_everybody();
    }
    other->unref();
  }
  while (UnixMessage* message = messages.pop_front()) message->unref();
  while (UnixSocket* connection = connections.pop_front()) {
    connection->close(Unaccepted::Yes);
    connection->unref();
  }
  unix_collector::look();
}

namespace {

constinit SocketFamily unix_family{.number = kFamilyUnix, .create = UnixSocket::create};

}  // namespace

void init_unix_sockets() { register_socket_family(unix_family); }

}  // namespace kernel
