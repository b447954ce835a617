// SPDX-License-Identifier: MIT
// The queue of an AF_UNIX socket and its two limits: what the sender's buffer is charged, and, for
// datagrams, how many wait. What poll(2) and ioctl(2) tell of them.

#include "fs/vfs/fd_table.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/open.h"
#include "net/unix/unix_socket.h"

namespace kernel {
namespace {

constexpr uint32_t kOutQueue = 0x5411, kInQueue = 0x541b, kAtMark = 0x8905, kUnixFile = 0x89e0;

Result<int64_t> put_number(uint64_t argument, uint64_t number) {
  TRY(UserOut<int32_t>(UserAddr{argument}).write(static_cast<int32_t>(number)));
  return int64_t{0};
}

}  // namespace

// --- sending -------------------------------------------------------------------------------------

Result<Ref<UnixMessage>> UnixSocket::make_message(IoBuffer& data, size_t size, size_t paged,
                                                  const SocketWait& limit) {
  auto is_full = [this] { return charged_.load_acquire() >= options.send_buffer.load_relaxed(); };
  for (;;) {
    if (Errno error = take_error(); error != Errno{}) return error;
    if ((shut() & kShutSend) != 0) return Errno::Pipe;
    if (!is_full()) break;
    if (limit.is_immediate()) return Errno::Again;
    TRY(limit.until(writable_,
                    [&] { return has_error() || (shut() & kShutSend) != 0 || !is_full(); }));
  }
  Ref<UnixMessage> message = TRY(UnixMessage::create(size));
  uint32_t charge = UnixMessage::charge_for(size, paged);
  charged_.fetch_add_acq_rel(charge);
  message->charge_to(*this, charge);
  TRY(message->fill(data));
  return message;
}

// Writers wake when three quarters of the buffer are free: not for each message.
void UnixSocket::uncharge(uint32_t amount) {
  uint32_t left = charged_.fetch_sub_acq_rel(amount) - amount;
  if (is_writable(left)) writable_.wake_all(kWritableEvents);
}

void UnixSocket::queue_locked(UnixSocket& receiver, Ref<UnixMessage> message) {
  bool wanted = options.has(socket_options::kPassCredentials) || receiver.unaccepted_ ||
                receiver.options.has(socket_options::kPassCredentials);
  if (wanted && message->credentials.pid == 0) {
    const Credentials& own = vfs::acting_credentials();
    message->credentials = {current_task().group().pid(), own.uid, own.gid};
  }
  if (receiver.options.has(socket_options::kTimestamp)) message->time = clock::realtime();
  if (message->files) receiver.files_queued_ += static_cast<uint32_t>(message->files->count());
  ++receiver.queue_length_;
  ++receiver.arrivals_;
  receiver.queue_.push_back(*std::move(message).leak());
}

// --- receiving -----------------------------------------------------------------------------------

Ref<UnixMessage> UnixSocket::unlink_locked(UnixMessage& message) {
  if (&message == urgent_) urgent_ = nullptr;
  if (message.files) files_queued_ -= static_cast<uint32_t>(message.files->count());
  --queue_length_;
  queue_.remove(message);
  return Ref<UnixMessage>::adopt(message);
}

void UnixSocket::tell(IncomingMessage& message, const SenderCredentials& sender,
                      Vector<Ref<File>> files) {
  bool wants_sender = options.has(socket_options::kPassCredentials);
  if (message.control == nullptr) {
    if (wants_sender || !files.empty()) message.told |= kMessageControlTruncated;
    return;
  }
  if (wants_sender) {
    // Nobody known: as ids that cannot be told are shown.
    constexpr uint32_t kOverflowId = 65534;
    message.control->sender = sender;
    if (sender.uid == kNoId) message.control->sender->uid = kOverflowId;
    if (sender.gid == kNoId) message.control->sender->gid = kOverflowId;
  }
  message.control->files = std::move(files);
}

// SO_PEEK_OFF: where MSG_PEEK reads from. Not kept when it is off (negative).
void UnixSocket::move_peek_offset(int64_t by) {
  int32_t present = options.peek_offset.load_relaxed();
  if (present < 0) return;
  int64_t moved = present + by;
  options.peek_offset.store_relaxed(moved < 0 ? 0 : static_cast<int32_t>(moved));
}

// --- followers -----------------------------------------------------------------------------------
// Who waits by poll(2) for room in the queue of the socket that it is connected to.

void UnixSocket::wake_followers_locked() {
  while (UnixSocket* follower = followers_.pop_front())
    follower->writable_.wake_all(kWritableEvents);
}

void UnixSocket::unfollow(UnixSocket& other) {
  Guard guard(other.lock_);
  if (ListNode<UnixSocket, FollowerTag>::is_linked()) other.followers_.remove(*this);
}

// --- what it looks like from outside -------------------------------------------------------------

uint32_t UnixSocket::poll(PollRegistration* registration) {
  if (registration != nullptr) {
    registration->wait_on(readable_);
    registration->wait_on(writable_);
  }
  uint32_t events = 0;
  uint32_t shut_now = shut();
  if (has_error()) events |= kPollErr;
  if (shut_now == kShutBoth) events |= kPollHup;
  if ((shut_now & kShutReceive) != 0) events |= kPollRdHup | kPollIn | kPollRdNorm;
  {
    Guard guard(lock_);
    if (!queue_.empty() || !backlog_.empty()) events |= kPollIn | kPollRdNorm;
    if (urgent_ != nullptr) events |= kPollPri;
  }
  if (type() != SocketType::Datagram && state() == State::Closed) events |= kPollHup;
  if (is_writable()) events |= kWritableEvents;
  return events;
}

Result<int64_t> UnixSocket::ioctl(uint32_t request, uint64_t argument) {
  switch (request) {
    case kOutQueue: return put_number(argument, charged_.load_acquire());
    case kInQueue:
      if (listens()) return Errno::Inval;
      return put_number(argument, readable_bytes());
    case kAtMark: return put_number(argument, is_at_mark());
    case kUnixFile: return open_name();
    default: return Errno::NoIoctlCmd;
  }
}

// Of datagrams the first one's.
uint64_t UnixSocket::readable_bytes() {
  Guard guard(lock_);
  uint64_t total = 0;
  for (UnixMessage& message : queue_) {
    total += message.remaining();
    if (type() == SocketType::Datagram) break;
  }
  return total;
}

bool UnixSocket::is_at_mark() {
  Guard guard(lock_);
  return urgent_ != nullptr && queue_.front() == urgent_;
}

// SIOCUNIXFILE: the place that the socket is bound to, as O_PATH opens it.
Result<int64_t> UnixSocket::open_name() {
  if (!vfs::acting_has(Capability::NetAdmin)) return Errno::Perm;
  std::optional<Path> place;
  {
    Guard guard(lock_);
    place = place_;
  }
  if (!place) return Errno::NoEnt;
  Ref<File> file = TRY(vfs::open_place(*place, kOpenPath));
  uint64_t limit = vfs::acting_limit(Resource::OpenFiles);
  return int64_t{TRY(current_task().files->install(std::move(file), true, limit))};
}

void UnixSocket::show_info(FormatSink& sink) {
  Guard guard(lock_);
  format(sink, "scm_fds: {}\n", files_queued_);
}

}  // namespace kernel
