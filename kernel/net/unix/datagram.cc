// SPDX-License-Identifier: MIT
// See datagram.h. A message leaves the queue before it is copied: whoever has no place for it has
// lost it, as on Linux. Its receiver may have too many waiting; then the sender waits, but for the
// two ends of a connection, of which each only waits for its own send buffer.

#include "net/unix/datagram.h"

namespace kernel {
namespace {

constexpr size_t kMostLinear = 16'064;  // of a message, on Linux, before it uses pages
constexpr size_t kMostPaged = 17 * kPageSize;
constexpr size_t kOverhead = 32;
constexpr uint16_t kFamilyUnspecified = 0;

size_t paged_part(size_t size) {
  if (size <= kMostLinear) return 0;
  size_t paged = size - kMostLinear < kMostPaged ? size - kMostLinear : kMostPaged;
  return align_up(paged, kPageSize);
}

}  // namespace

// --- connecting ----------------------------------------------------------------------------------

Result<> UnixDatagram::connect(const SocketAddress& address, bool nonblocking) {
  return is_connection() ? connect_stream(address, nonblocking) : connect_datagram(address);
}

// connect(2) of a datagram socket only says where send(2) goes and from whom messages come.
Result<> UnixDatagram::connect_datagram(const SocketAddress& address) {
  if (address.size < SocketAddress::kFamilySize) return Errno::Inval;
  if (address.family() == kFamilyUnspecified) {
    disconnect();
    return {};
  }
  TRY(validate(address));
  if (options.has(socket_options::kPassCredentials)) TRY(autobind());
  for (;;) {
    Ref<UnixSocket> found = TRY(find(address, type()));
    auto& other = static_cast<UnixDatagram&>(*found);
    UnixSocket* old;
    {
      Guard2 guard(lock_, other.lock_);
      if (other.dead_) continue;
      UnixSocket* its_peer = other.peer_.load_relaxed();
      if (its_peer != nullptr && its_peer != this) return Errno::Perm;
      state_.store_release(State::Connected);
      other.state_.store_release(State::Connected);
      other.ref();
      old = peer_.exchange_acq_rel(&other);
    }
    if (old != nullptr) leave(*old, &other);
    return {};
  }
}

void UnixDatagram::disconnect() {
  UnixSocket* old;
  {
    Guard guard(lock_);
    old = peer_.exchange_acq_rel(nullptr);
    if (old != nullptr) state_.store_release(State::Closed);
  }
  if (old != nullptr) leave(*old, nullptr);
}

// `old` is the peer no more; takes over that reference.
void UnixDatagram::leave(UnixSocket& old, const UnixSocket* next) {
  auto& other = static_cast<UnixDatagram&>(old);
  unfollow(other);
  if (&other != next) drop_messages_of(other);
  other.unref();
}

// What is still in the queue came from a peer that is none any more: it is lost, and a peer that
// still is connected to this is told.
void UnixDatagram::drop_messages_of(UnixDatagram& other) {
  List<UnixMessage> messages;
  {
    Guard guard(lock_);
    messages.splice_back(queue_);
    queue_length_ = files_queued_ = 0;
  }
  bool told = false;
  {
    Guard guard(other.lock_);
    told = !messages.empty() && !other.dead_ && other.peer_.load_relaxed() == this;
    other.state_.store_release(State::Closed);
  }
  if (!messages.empty()) room_.wake_all();
  if (told) {
    other.set_error(Errno::ConnReset);
    other.wake_everybody();
  }
  while (UnixMessage* message = messages.pop_front()) message->unref();
}

// --- sending -------------------------------------------------------------------------------------

// `message` stays the caller's unless Done.
Result<UnixDatagram::Delivery> UnixDatagram::deliver(UnixDatagram& receiver,
                                                     Ref<UnixMessage>& message) {
  {
    Guard guard(receiver.lock_);
    UnixSocket* its_peer = receiver.peer_.load_relaxed();
    if (its_peer != nullptr && its_peer != this) return Errno::Perm;
    if (receiver.dead_) return Delivery::Dead;
    if ((receiver.shut() & kShutReceive) != 0) return Errno::Pipe;
    if (&receiver != this && its_peer != this && receiver.is_queue_full_locked())
      return Delivery::Full;
    queue_locked(receiver, std::move(message));
  }
  receiver.readable_.wake(1, kReadableEvents);
  return Delivery::Done;
}

// The receiver has gone. Error: what that means to the sender; none: look for it again.
Result<> UnixDatagram::lost(UnixDatagram& receiver, bool addressed) {
  if (is_connection()) return Errno::Pipe;
  bool was_peer = false;
  {
    Guard guard(lock_);
    was_peer = peer_.load_relaxed() == &receiver;
    if (was_peer) {
      peer_.store_release(nullptr);
      state_.store_release(State::Closed);
    }
  }
  if (was_peer) {
    leave(receiver, nullptr);
    return Errno::ConnRefused;
  }
  return addressed ? Result<>() : Result<>(Errno::ConnReset);
}

Result<size_t> UnixDatagram::send(OutgoingMessage& message) {
  SentControl control;
  if (!message.control.empty()) control = TRY(SentControl::parse(message.control));
  if ((message.flags & kMessageOutOfBand) != 0) return Errno::OpNotSupp;
  const SocketAddress* to = message.to;
  if (is_connection()) {
    if (Errno error = take_error(); error != Errno{}) return error;
    if (state() != State::Connected) return Errno::NotConn;
    to = nullptr;
  }
  if (to != nullptr) TRY(validate(*to));
  Optional<Ref<UnixSocket>> found;
  if (to == nullptr && !(found = peer_socket())) return Errno::NotConn;
  if (options.has(socket_options::kPassCredentials)) TRY(autobind());
  size_t size = message.data.remaining();
  if (size + kOverhead > options.send_buffer.load_relaxed()) return Errno::MsgSize;

  SocketWait limit = send_wait((message.flags & kMessageDontWait) != 0);
  Ref<UnixMessage> made = TRY(make_message(message.data, size, paged_part(size), limit));
  if (control.credentials) made->credentials = *control.credentials;
  made->files = std::move(control.files);
  for (;;) {
    if (!found) found = TRY(find(*to, type()));
    auto& receiver = static_cast<UnixDatagram&>(*found);
    switch (TRY(deliver(receiver, made))) {
      case Delivery::Done: return size;
      case Delivery::Dead:
        TRY(lost(receiver, to != nullptr));
        found.reset();
        break;
      case Delivery::Full:
        if (limit.is_immediate()) return Errno::Again;
        TRY(limit.until(
            receiver.room_,
            [&receiver] {
              Guard guard(receiver.lock_);
              return receiver.dead_ || (receiver.shut() & kShutReceive) != 0 ||
                     !receiver.is_queue_full_locked();
            },
            true));
        break;
    }
  }
}

// --- receiving -----------------------------------------------------------------------------------

// The first message, with MSG_PEEK and SO_PEEK_OFF the first that reaches behind the offset, which
// `skip` says and is then the part of it within the message.
Optional<Ref<UnixMessage>> UnixDatagram::take_locked(bool peeks, size_t& skip) {
  int32_t offset = options.peek_offset.load_relaxed();
  skip = peeks && offset >= 0 ? static_cast<size_t>(offset) : 0;
  if (!peeks) {
    UnixMessage* first = queue_.front();
    if (first == nullptr) return {};
    Ref<UnixMessage> taken = unlink_locked(*first);
    wake_followers_locked();
    return taken;
  }
  for (UnixMessage& message : queue_) {
    if (offset >= 0 && skip >= message.size() && (skip != 0 || message.peeked)) {
      skip -= message.size();
      continue;
    }
    if (message.size() == 0) message.peeked = true;
    return Ref<UnixMessage>(message);
  }
  return {};
}

Result<size_t> UnixDatagram::receive(IncomingMessage& message) {
  if (is_connection() && state() != State::Connected) return Errno::NotConn;
  if ((message.flags & kMessageOutOfBand) != 0) return Errno::OpNotSupp;
  bool peeks = (message.flags & kMessagePeek) != 0;
  SocketWait limit = receive_wait((message.flags & kMessageDontWait) != 0);
  Optional<Ref<UnixMessage>> taken;
  size_t skip = 0;
  auto attempt = [&] {
    if (has_error()) return true;
    Guard guard(lock_);
    taken = take_locked(peeks, skip);
    return taken || (shut() & kShutReceive) != 0;
  };
  while (!attempt()) {
    if (limit.is_immediate()) return Errno::Again;
    Result<> waited = limit.until(readable_, attempt, true);
    if (!waited.ok()) return waited.error();
    if (taken) break;
  }
  if (!taken) {
    if (Errno error = take_error(); error != Errno{}) return error;
    // The end: told to whoever waits, and of a connection to all.
    if (limit.is_immediate() && !is_connection()) return Errno::Again;
    return size_t{0};
  }
  room_.wake();
  return hand_over(message, *taken, skip);
}

Result<size_t> UnixDatagram::hand_over(IncomingMessage& message, UnixMessage& taken, size_t skip) {
  if (message.from != nullptr) taken.sender().copy_name(*message.from);
  size_t there = taken.size() - skip;
  size_t count = message.data.remaining();
  if (count < there) message.told |= kMessageTruncated;
  if (count > there) count = there;
  TRY(taken.put(message.data, skip, count));
  if (options.has(socket_options::kTimestamp) && message.control != nullptr) {
    Nanoseconds time = taken.time != 0 ? taken.time : clock::realtime();
    message.control->time = Timestamp{static_cast<int64_t>(time / kNanosPerSecond),
                                      static_cast<uint32_t>(time % kNanosPerSecond)};
  }
  Vector<Ref<File>> files;
  if ((message.flags & kMessagePeek) != 0) {
    move_peek_offset(static_cast<int64_t>(count));
    if (taken.files) files = TRY(taken.files->copy());
  } else {
    move_peek_offset(-static_cast<int64_t>(taken.size()));
    if (taken.files) files = taken.files->take();
  }
  tell(message, taken.credentials, std::move(files));
  return (message.flags & kMessageTruncated) != 0 ? there : count;
}

// --- poll ----------------------------------------------------------------------------------------

// A socket is not writable either when the one it is connected to has too many messages waiting.
uint32_t UnixDatagram::poll(PollRegistration* registration) {
  uint32_t events = UnixSocket::poll(registration);
  if ((events & kPollOut) != 0 && is_peer_full()) events &= ~kWritableEvents;
  return events;
}

// When it is, this is told as soon as there is room.
bool UnixDatagram::is_peer_full() {
  Optional<Ref<UnixSocket>> found = peer_socket();
  if (!found || found.get() == this) return false;
  auto& other = static_cast<UnixDatagram&>(*found);
  Guard2 guard(lock_, other.lock_);
  bool is_peer = peer_.load_relaxed() == &other && !other.dead_;
  if (!is_peer || other.peer_.load_relaxed() == this || !other.is_queue_full_locked()) return false;
  if (!ListNode<UnixSocket, FollowerTag>::is_linked()) other.followers_.push_back(*this);
  return true;
}

}  // namespace kernel
