// SPDX-License-Identifier: MIT
// Options of level SOL_SOCKET (socket(7)), with Linux's numbers, limits and order of errors.

#include "fs/vfs/identity.h"
#include "net/socket/socket.h"

namespace kernel::socket_options {
namespace {

enum Option : int32_t {
  Debug = 1, ReuseAddress = 2, Type = 3, Error = 4, DontRoute = 5, Broadcast = 6, SendBuffer = 7,
  ReceiveBuffer = 8, KeepAlive = 9, OobInline = 10, NoCheck = 11, Priority = 12, Linger = 13,
  BsdCompat = 14, ReusePort = 15, PassCred = 16, PeerCred = 17, ReceiveLowAt = 18, SendLowAt = 19,
  ReceiveTimeout = 20, SendTimeout = 21, PeerName = 28, TimestampOld = 29, AcceptConn = 30,
  SendBufferForce = 32, ReceiveBufferForce = 33, PassSec = 34, TimestampNsOld = 35, Mark = 36,
  Protocol = 38, Domain = 39, ReceiveQueueOverflow = 40, WifiStatus = 41, PeekOffset = 42,
  NoFcs = 43, SelectErrorQueue = 45, Cookie = 57, PeerGroups = 59, TimestampNew = 63,
  TimestampNsNew = 64, ReceiveTimeoutNew = 66, SendTimeoutNew = 67, BufferLock = 72,
};

constexpr uint32_t kLeastSendBuffer = 4608, kLeastReceiveBuffer = 2304;
constexpr uint32_t kSendLocked = 1, kReceiveLocked = 2;

// Switches that are kept and shown. Some act elsewhere, those of other families nowhere.
constexpr bool is_switch(int32_t name) {
  switch (name) {
    case Debug:
    case ReuseAddress:
    case DontRoute:
    case Broadcast:
    case KeepAlive:
    case OobInline:
    case NoCheck:
    case ReusePort:
    case PassCred:
    case PassSec:
    case ReceiveQueueOverflow:
    case WifiStatus:
    case NoFcs:
    case SelectErrorQueue: return true;
    default: return false;
  }
}

// Twice what was asked: Linux counts its own overhead.
void set_buffer(Atomic<uint32_t>& field, uint32_t wanted, uint32_t least) {
  constexpr uint32_t kMost = INT32_MAX / 2;
  uint32_t doubled = 2 * (wanted < kMost ? wanted : kMost);
  field.store_relaxed(doubled > least ? doubled : least);
}

uint32_t limited(int32_t value) {
  auto wanted = static_cast<uint32_t>(value);
  return wanted < SocketOptions::kMostBuffer ? wanted : SocketOptions::kMostBuffer;
}

Result<> set_buffer_option(Socket& socket, int32_t name, int32_t value) {
  bool forced = name == SendBufferForce || name == ReceiveBufferForce;
  if (forced && !vfs::acting_has(Capability::NetAdmin)) return Errno::Perm;
  uint32_t size = limited(value);
  if (forced) size = value < 0 ? 0 : static_cast<uint32_t>(value);
  if (name == SendBuffer || name == SendBufferForce) {
    socket.options.locked_buffers.fetch_or_relaxed(kSendLocked);
    set_buffer(socket.options.send_buffer, size, kLeastSendBuffer);
    socket.wake_senders();
  } else {
    socket.options.locked_buffers.fetch_or_relaxed(kReceiveLocked);
    set_buffer(socket.options.receive_buffer, size, kLeastReceiveBuffer);
  }
  return {};
}

// struct timeval, kept in the clock ticks that Linux keeps it in.
struct TimeValue {
  int64_t seconds;
  int64_t microseconds;
};
constexpr uint64_t kTick = 4'000'000;

Result<> set_timeout(Atomic<Nanoseconds>& field, UserAddr address, uint32_t size) {
  if (size < sizeof(TimeValue)) return Errno::Inval;
  TimeValue value = TRY(UserIn<TimeValue>(address).read());
  if (value.microseconds < 0 || value.microseconds >= 1'000'000) return Errno::Dom;
  Nanoseconds timeout = kForever;
  constexpr int64_t kMostSeconds = INT64_MAX / 250 - 1;
  if (value.seconds < 0) {
    timeout = 0;
  } else if ((value.seconds != 0 || value.microseconds != 0) && value.seconds < kMostSeconds) {
    uint64_t ticks = (static_cast<uint64_t>(value.microseconds) * 1000 + kTick - 1) / kTick;
    uint64_t rest = ticks * kTick;
    if (__builtin_mul_overflow(static_cast<uint64_t>(value.seconds), kNanosPerSecond, &timeout) ||
        __builtin_add_overflow(timeout, rest, &timeout)) {
      timeout = kForever;
    }
  }
  field.store_relaxed(timeout);
  return {};
}

TimeValue timeout_value(Nanoseconds timeout) {
  if (timeout == kForever) return {0, 0};
  return {static_cast<int64_t>(timeout / kNanosPerSecond),
          static_cast<int64_t>(timeout % kNanosPerSecond / 1000)};
}

void set_timestamps(SocketOptions& options, int32_t name, bool on) {
  bool nanoseconds = name == TimestampNsOld || name == TimestampNsNew;
  options.set(kTimestamp, on);
  options.set(kTimestampNs, on && nanoseconds);
  if (on) options.set(kTimestampIsNew, name == TimestampNew || name == TimestampNsNew);
}

bool has_timestamps(const SocketOptions& options, int32_t name) {
  bool nanoseconds = name == TimestampNsOld || name == TimestampNsNew;
  bool is_new = name == TimestampNew || name == TimestampNsNew;
  return options.has(kTimestamp) && options.has(kTimestampNs) == nanoseconds &&
         options.has(kTimestampIsNew) == is_new;
}

struct LingerValue {
  int32_t on;
  int32_t seconds;
};

Result<> set_linger(Socket& socket, UserAddr address, uint32_t size) {
  if (size < sizeof(LingerValue)) return Errno::Inval;
  LingerValue value = TRY(UserIn<LingerValue>(address).read());
  uint64_t seconds = static_cast<uint32_t>(value.seconds);
  uint64_t before = socket.options.linger.load_relaxed() & 0xffff'ffff;
  socket.options.linger.store_relaxed(value.on != 0 ? seconds | uint64_t{1} << 32 : before);
  return {};
}

Result<> set_priority(Socket& socket, int32_t value) {
  bool allowed = (value >= 0 && value <= 6) || vfs::acting_has(Capability::NetRaw) ||
                 vfs::acting_has(Capability::NetAdmin);
  if (!allowed) return Errno::Perm;
  socket.options.priority.store_relaxed(value);
  return {};
}

Result<> set_mark(Socket& socket, int32_t value) {
  if (!vfs::acting_has(Capability::NetRaw) && !vfs::acting_has(Capability::NetAdmin))
    return Errno::Perm;
  socket.options.mark.store_relaxed(static_cast<uint32_t>(value));
  return {};
}

// Where the value of an option goes, and its length.
class Answer {
 public:
  Answer(UserAddr value, UserInOut<int32_t> length) : value_(value), length_(length) {}
  Result<> load() {
    room_ = TRY(length_.read());
    return room_ < 0 ? Result<>(Errno::Inval) : Result<>();
  }
  uint32_t room() const { return static_cast<uint32_t>(room_); }
  // As much as there is room for.
  Result<> put(const void* from, size_t size) {
    size_t fits = size < room() ? size : room();
    TRY(copy_out(value_, from, fits));
    return tell(fits);
  }
  template <UserAbi T>
  Result<> put(const T& value) { return put(&value, sizeof value); }
  Result<> tell(size_t size) { return length_.write(static_cast<int32_t>(size)); }

 private:
  UserAddr value_;
  UserInOut<int32_t> length_;
  int32_t room_ = 0;
};

Result<> get_peer_groups(Socket& socket, Answer& answer) {
  Socket::Peer peer = socket.peer();
  if (!peer.credentials) return Errno::NoData;
  const Vector<Gid>& groups = peer.credentials->groups;
  size_t size = groups.size() * sizeof(Gid);
  if (answer.room() < size) {
    TRY(answer.tell(size));
    return Errno::Range;
  }
  return answer.put(groups.data(), size);
}

Result<> get_peer_name(Socket& socket, Answer& answer) {
  SocketAddress address;
  TRY(socket.peer_address(address));
  if (address.size < answer.room()) return Errno::Inval;
  return answer.put(address.bytes, address.size);
}

Result<> get_cookie(Socket& socket, Answer& answer) {
  uint64_t cookie = socket.inode_number();
  if (answer.room() < sizeof cookie) return Errno::Inval;
  return answer.put(cookie);
}

}  // namespace

Result<> set(Socket& socket, int32_t name, UserAddr address, uint32_t size) {
  if (size < sizeof(int32_t)) return Errno::Inval;
  int32_t value = TRY(UserIn<int32_t>(address).read());
  SocketOptions& options = socket.options;
  if (is_switch(name)) {
    if (name == Debug && value != 0 && !vfs::acting_has(Capability::NetAdmin)) return Errno::Acces;
    options.set(static_cast<unsigned>(name), value != 0);
    return {};
  }
  switch (name) {
    case SendBuffer:
    case SendBufferForce:
    case ReceiveBuffer:
    case ReceiveBufferForce: return set_buffer_option(socket, name, value);
    case Priority: return set_priority(socket, value);
    case Linger: return set_linger(socket, address, size);
    case BsdCompat: return {};
    case TimestampOld:
    case TimestampNew:
    case TimestampNsOld:
    case TimestampNsNew: set_timestamps(options, name, value != 0); return {};
    case ReceiveLowAt:
      options.low_water.store_relaxed(value < 0 ? INT32_MAX : value == 0 ? 1 : value);
      return {};
    case ReceiveTimeout:
    case ReceiveTimeoutNew: return set_timeout(options.receive_timeout, address, size);
    case SendTimeout:
    case SendTimeoutNew: return set_timeout(options.send_timeout, address, size);
    case Mark: return set_mark(socket, value);
    case PeekOffset: options.peek_offset.store_relaxed(value); return {};
    case BufferLock:
      if ((value & ~3) != 0) return Errno::Inval;
      options.locked_buffers.store_relaxed(static_cast<uint32_t>(value));
      return {};
    default: return Errno::NoProtoOpt;
  }
}

Result<> get(Socket& socket, int32_t name, UserAddr address, UserInOut<int32_t> length) {
  Answer answer(address, length);
  TRY(answer.load());
  SocketOptions& options = socket.options;
  if (is_switch(name)) return answer.put(int32_t{options.has(static_cast<unsigned>(name))});
  switch (name) {
    case Type: return answer.put(static_cast<int32_t>(socket.type()));
    case Protocol: return answer.put(int32_t{socket.protocol()});
    case Domain: return answer.put(int32_t{socket.family()});
    case Error: return answer.put(static_cast<int32_t>(socket.take_error()));
    case SendBuffer: return answer.put(options.send_buffer.load_relaxed());
    case ReceiveBuffer: return answer.put(options.receive_buffer.load_relaxed());
    case Priority: return answer.put(options.priority.load_relaxed());
    case Linger: {
      uint64_t linger = options.linger.load_relaxed();
      return answer.put(LingerValue{static_cast<int32_t>(linger >> 32),
                                    static_cast<int32_t>(linger & 0xffff'ffff)});
    }
    case BsdCompat: return answer.put(int32_t{0});
    case TimestampOld:
    case TimestampNew:
    case TimestampNsOld:
    case TimestampNsNew: return answer.put(int32_t{has_timestamps(options, name)});
    case ReceiveLowAt: return answer.put(options.low_water.load_relaxed());
    case SendLowAt: return answer.put(int32_t{1});
    case ReceiveTimeout:
    case ReceiveTimeoutNew:
      return answer.put(timeout_value(options.receive_timeout.load_relaxed()));
    case SendTimeout:
    case SendTimeoutNew: return answer.put(timeout_value(options.send_timeout.load_relaxed()));
    case AcceptConn: return answer.put(int32_t{socket.is_listening()});
    case Mark: return answer.put(options.mark.load_relaxed());
    case PeekOffset: return answer.put(options.peek_offset.load_relaxed());
    case PeerCred: return answer.put(socket.peer().sender);
    case PeerGroups: return get_peer_groups(socket, answer);
    case PeerName: return get_peer_name(socket, answer);
    case Cookie: return get_cookie(socket, answer);
    case BufferLock: return answer.put(options.locked_buffers.load_relaxed());
    default: return Errno::NoProtoOpt;  // SO_PEERSEC too: no security module labels sockets
  }
}

}  // namespace kernel::socket_options
