// SPDX-License-Identifier: MIT
// See stream.h. A read copies under the reader's lock, without faulting; when the user's page is
// not there it brings it in without locks and goes on. The queue's lock is held only to look.

#include "net/unix/stream.h"

#include "task/signal_post.h"

namespace kernel {
namespace {

constexpr size_t kMostLinear = 3776;  // of a message, on Linux, before it uses pages
constexpr size_t kMostPaged = 32 * KiB;

size_t paged_part(size_t size) {
  if (size <= kMostLinear) return 0;
  size_t paged = align_up(size - kMostLinear, kPageSize);
  return paged < size ? paged : size;
}

}  // namespace

// --- sending -------------------------------------------------------------------------------------

Result<size_t> UnixStream::broken_pipe(const OutgoingMessage& message, size_t sent) {
  if (sent != 0) return sent;
  if ((message.flags & kMessageNoSignal) == 0) signal_self(Signal::Pipe);
  return Errno::Pipe;
}

Result<> UnixStream::deliver(UnixStream& receiver, Ref<UnixMessage> message, bool urgent) {
  {
    Guard guard(receiver.lock_);
    if (receiver.dead_ || (receiver.shut() & kShutReceive) != 0) return Errno::Pipe;
    if (urgent) receiver.urgent_ = message.get();
    queue_locked(receiver, std::move(message));
  }
  receiver.readable_.wake(1, urgent ? kReadableEvents | kPollPri : kReadableEvents);
  return {};
}

Result<size_t> UnixStream::send(OutgoingMessage& message) {
  SentControl control;
  if (!message.control.empty()) control = TRY(SentControl::parse(message.control));
  bool has_urgent = (message.flags & kMessageOutOfBand) != 0;
  size_t length = message.data.remaining();
  if (has_urgent && length == 0) return Errno::OpNotSupp;
  if (message.to != nullptr) return state() == State::Connected ? Errno::IsConn : Errno::OpNotSupp;
  if (connection() == nullptr) return Errno::NotConn;
  auto& receiver = static_cast<UnixStream&>(*connection());
  if ((shut() & kShutSend) != 0) return broken_pipe(message, 0);

  SocketWait limit = send_wait((message.flags & kMessageDontWait) != 0);
  size_t ordinary = has_urgent ? length - 1 : length;
  for (size_t sent = 0; sent < length;) {
    bool urgent = sent == ordinary;  // the last byte of MSG_OOB
    size_t half = (options.send_buffer.load_relaxed() >> 1) - 64;
    size_t size = urgent ? 1 : ordinary - sent;
    if (size > half) size = half;
    if (size > kMostLinear + kMostPaged) size = kMostLinear + kMostPaged;
    Result<Ref<UnixMessage>> made = make_message(message.data, size, paged_part(size), limit);
    if (!made.ok()) return sent != 0 ? Result<size_t>(sent) : made.error();
    if (control.credentials) (*made)->credentials = *control.credentials;
    (*made)->files = std::move(control.files);  // with the first
    Result<> delivered = deliver(receiver, std::move(made).take(), urgent);
    if (!delivered.ok()) return urgent && sent == 0 ? Errno::Pipe : broken_pipe(message, sent);
    sent += size;
  }
  return length;
}

// --- receiving -----------------------------------------------------------------------------------

// How far one call has come.
struct UnixStream::Reading {
  size_t target = 0;  // enough to return
  size_t copied = 0;
  size_t skip = 0;  // MSG_PEEK: bytes to pass by first
  UnixMessage* last_peeked = nullptr;
  bool stopped = false;   // at urgent data, or where it was
  size_t fault_at = 0;    // FaultIn: how far behind the cursor
  uint64_t arrivals = 0;  // Wait: for one more than these
  std::optional<SenderCredentials> sender;
  Vector<Ref<File>> files;
  List<UnixMessage> dropped;  // left the queue, for nobody
  Result<> result;

  ~Reading() {
    while (UnixMessage* message = dropped.pop_front()) message->unref();
  }
  // For MSG_PEEK, which has changed nothing.
  void start_again(IncomingMessage& message) {
    message.data.rewind(copied);
    copied = 0;
    last_peeked = nullptr;
    sender.reset();
    files.clear();
  }
};

Result<size_t> UnixStream::receive(IncomingMessage& message) {
  if (state() != State::Connected) return Errno::Inval;
  if ((message.flags & kMessageOutOfBand) != 0) return receive_urgent(message);
  bool peeks = (message.flags & kMessagePeek) != 0;
  size_t size = message.data.remaining();
  auto low_water = static_cast<size_t>(options.low_water.load_relaxed());
  Reading reading;
  reading.target = size;
  if ((message.flags & kMessageWaitAll) == 0 && low_water < size) reading.target = low_water;
  if (reading.target == 0) reading.target = 1;
  SocketWait limit = receive_wait((message.flags & kMessageDontWait) != 0);
  for (;;) {
    Next next = read_some(message, reading);
    if (next == Next::Done) break;
    if (next == Next::FaultIn) {
      message.data.skip(reading.fault_at);
      Result<> accessible = message.data.fault_in(true);
      message.data.rewind(reading.fault_at);
      if (!accessible.ok()) {
        reading.result = accessible;
        break;
      }
      if (peeks) reading.start_again(message);
      continue;
    }
    reading.result = Errno::Again;
    if (limit.is_immediate()) break;
    reading.result = limit.until(readable_, [&] {
      if (has_error() || (shut() & kShutReceive) != 0) return true;
      Guard guard(lock_);
      return arrivals_ != reading.arrivals;
    });
    if (!reading.result.ok()) break;
  }
  tell(message, reading.sender.value_or(SenderCredentials()), std::move(reading.files));
  if (reading.copied != 0 || reading.result.ok()) return reading.copied;
  return reading.result.error();
}

UnixStream::Next UnixStream::read_some(IncomingMessage& message, Reading& reading) {
  bool peeks = (message.flags & kMessagePeek) != 0;
  int32_t offset = options.peek_offset.load_relaxed();
  reading.skip = peeks && offset > 0 ? static_cast<size_t>(offset) : 0;
  Guard reader(reader_lock_);
  do {
    UnixMessage* found;
    {
      Guard guard(lock_);
      found = find_locked(message, reading);
      if (found == nullptr) return at_end_locked(message, reading);
    }
    // What different senders wrote is never read together, when the reader wants to know them.
    if (reading.sender && found->credentials != *reading.sender) return Next::Done;
    if (options.has(socket_options::kPassCredentials)) reading.sender = found->credentials;
    if (message.from != nullptr && message.from->size == 0)
      found->sender().copy_name(*message.from);
    size_t there = found->remaining() - reading.skip;
    size_t count = there < message.data.remaining() ? there : message.data.remaining();
    size_t moved = found->put_nofault(message.data, found->consumed + reading.skip, count);
    if (moved < count) {
      message.data.rewind(moved);
      reading.fault_at = moved;
      return Next::FaultIn;
    }
    reading.copied += count;
    bool ends = peeks ? peek(*found, count, reading) : consume(*found, count, reading);
    if (ends) return Next::Done;
  } while (message.data.remaining() != 0);
  return Next::Done;
}

// The message to read from; reading.skip is then what is left to pass by in it.
UnixMessage* UnixStream::find_locked(const IncomingMessage& message, Reading& reading) {
  UnixMessage* found =
      reading.last_peeked != nullptr ? queue_.next(*reading.last_peeked) : queue_.front();
  if (found != nullptr) {
    found = pass_urgent_locked(*found, message, reading);
    reading.stopped = found == nullptr;
  }
  while (found != nullptr && reading.skip >= found->remaining()) {
    reading.skip -= found->remaining();
    found = queue_.next(*found);
  }
  return found;
}

// Urgent data is not read with the rest (unless SO_OOBINLINE), and a read ends before it. When it
// has been read by itself its place stays in the queue, empty, and a read ends there too.
UnixMessage* UnixStream::pass_urgent_locked(UnixMessage& at, const IncomingMessage& message,
                                            Reading& reading) {
  bool peeks = (message.flags & kMessagePeek) != 0;
  if (at.remaining() == 0 && !peeks) {
    reading.dropped.push_back(*unlink_locked(at).leak());
    return nullptr;
  }
  if (&at != urgent_) return &at;
  if (reading.copied != 0) return nullptr;
  bool is_inline = options.has(socket_options::kOutOfBandInline);
  if (peeks) return is_inline ? &at : queue_.next(at);
  urgent_ = nullptr;
  if (is_inline) return &at;
  reading.dropped.push_back(*unlink_locked(at).leak());
  return queue_.front();
}

UnixStream::Next UnixStream::at_end_locked(const IncomingMessage& message, Reading& reading) {
  bool peeks = (message.flags & kMessagePeek) != 0;
  bool ends_here = reading.copied != 0 && (peeks || reading.stopped);
  if (ends_here || reading.copied >= reading.target) return Next::Done;
  if (Errno error = take_error(); error != Errno{}) {
    reading.result = error;
    return Next::Done;
  }
  if ((shut() & kShutReceive) != 0) return Next::Done;
  // What stands behind the place of urgent data is there already.
  reading.arrivals = reading.stopped ? arrivals_ - 1 : arrivals_;
  return Next::Wait;
}

// Both tell whether the read ends behind this message.
bool UnixStream::peek(UnixMessage& message, size_t count, Reading& reading) {
  move_peek_offset(static_cast<int64_t>(count));
  reading.skip = 0;
  reading.last_peeked = &message;
  if (!message.files) return false;
  Result<Vector<Ref<File>>> files = message.files->copy();
  if (files.ok()) reading.files = std::move(files).take();
  return true;
}

bool UnixStream::consume(UnixMessage& message, size_t count, Reading& reading) {
  move_peek_offset(-static_cast<int64_t>(count));
  Optional<Owned<FilesInFlight>> files;
  Optional<Ref<UnixMessage>> finished;  // let go of behind the lock
  {
    Guard guard(lock_);
    message.consumed += static_cast<uint32_t>(count);
    if (message.files) {
      files_queued_ -= static_cast<uint32_t>(message.files->count());
      files = std::move(message.files);
    }
    if (message.remaining() == 0) finished = unlink_locked(message);
  }
  if (files) reading.files = files->take();
  return !finished || files;
}

Result<size_t> UnixStream::receive_urgent(IncomingMessage& message) {
  bool peeks = (message.flags & kMessagePeek) != 0;
  Optional<Ref<UnixMessage>> urgent;
  {
    Guard reader(reader_lock_);
    Guard guard(lock_);
    if (urgent_ == nullptr || options.has(socket_options::kOutOfBandInline)) return Errno::Inval;
    urgent = Ref<UnixMessage>(*urgent_);
    if (!peeks) {
      urgent_ = nullptr;
      urgent->consumed = 1;
    }
  }
  if (message.data.remaining() == 0) return Errno::Fault;
  TRY(urgent->put(message.data, 0, 1));
  message.told |= kMessageOutOfBand;
  return size_t{1};
}

}  // namespace kernel
