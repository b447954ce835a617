// SPDX-License-Identifier: MIT
// sendto(2), recvfrom(2), sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2). Ancillary data is read
// as a whole before anything is sent, and written behind what was received.

#include "net/socket/control.h"
#include "syscall/declarations.h"
#include "syscall/socket_arguments.h"

namespace kernel::syscall {
namespace {

constexpr uint32_t kCompat = 0x8000'0000;  // MSG_CMSG_COMPAT: the kernel's own, for 32-bit callers
constexpr uint64_t kMostVectors = 1024;    // UIO_MAXIOV
constexpr int32_t kControlTimestamp = 29, kControlTimestampNs = 35;  // SCM_*, as SO_*

uint32_t with_file_flags(const SocketUse& socket, uint32_t flags) {
  return socket.nonblocking() ? flags | kMessageDontWait : flags;
}

Result<IoBuffer> data_of(const abi::MessageHeader& header) {
  if (header.vector_count > kMostVectors) return Errno::MsgSize;
  return user_vectors(UserAddr{header.vectors}, header.vector_count);
}

// --- sending -------------------------------------------------------------------------------------

Result<size_t> send_message(const SocketUse& socket, const abi::MessageHeader& header,
                            uint32_t flags) {
  SocketAddress address;
  const SocketAddress* to = nullptr;
  if (header.name != 0 && header.name_size < 0) return Errno::Inval;
  if (header.name != 0 && header.name_size != 0) {
    constexpr int32_t kMost = SocketAddress::kMost;
    int32_t size = header.name_size < kMost ? header.name_size : kMost;
    TRY(load_address(address, UserAddr{header.name}, size));
    to = &address;
  }
  IoBuffer data = TRY(data_of(header));
  if (header.control_size > SocketOptions::kMostControl) return Errno::NoBufs;
  Vector<char> control;
  TRY(control.resize(header.control_size));
  TRY(copy_in(control.data(), UserAddr{header.control}, header.control_size));
  OutgoingMessage message{.data = data, .flags = flags, .to = to, .control = control.span()};
  return socket->send(message);
}

// --- receiving -----------------------------------------------------------------------------------

// Ancillary data for the user, as far as there is room; `truncated` tells when there was not.
class ControlWriter {
 public:
  explicit ControlWriter(const abi::MessageHeader& header)
      : at_(UserAddr{header.control}), room_(header.control_size) {}

  bool truncated() const { return truncated_; }
  uint64_t used() const { return used_; }

  // A piece that is cut off where the room ends.
  template <UserAbi T>
  Result<> put(int32_t type, const T& value) {
    ControlHeader header{sizeof(ControlHeader) + sizeof value, kLevelSocket, type};
    if (room_ < sizeof header) {
      truncated_ = true;
      return {};
    }
    if (room_ < header.size) {
      truncated_ = true;
      header.size = room_;
    }
    TRY(copy_out(at_, &header, sizeof header));
    TRY(copy_out(at_ + sizeof header, &value, header.size - sizeof header));
    advance(control_space(sizeof value));
    return {};
  }

  // Gives each file a descriptor, until there is no room, no number, or no place to write it to.
  void put_files(Context& context, Vector<Ref<File>> files, bool close_on_exec) {
    if (files.empty()) return;
    size_t fits = room_ < sizeof(ControlHeader) ? 0 : (room_ - sizeof(ControlHeader)) / sizeof(Fd);
    size_t count = 0;
    while (count < fits && count < files.size() &&
           install(context, files[count], at_ + sizeof(ControlHeader) + count * sizeof(Fd),
                   close_on_exec)) {
      ++count;
    }
    truncated_ |= count < files.size();
    if (count == 0) return;
    ControlHeader header{sizeof(ControlHeader) + count * sizeof(Fd), kLevelSocket, kControlRights};
    if (copy_out(at_, &header, sizeof header).ok()) advance(control_space(count * sizeof(Fd)));
  }

 private:
  bool install(Context& context, const Ref<File>& file, UserAddr to, bool close_on_exec) {
    Result<Fd> fd = files_of(context).reserve(open_files_limit(context));
    if (!fd.ok()) return false;
    if (!UserOut<Fd>(to).write(*fd).ok()) {
      files_of(context).release(*fd);
      return false;
    }
    files_of(context).fill(*fd, file, close_on_exec);
    return true;
  }
  void advance(size_t size) {
    size_t step = size < room_ ? size : room_;
    at_ += step;
    room_ -= step;
    used_ += step;
  }

  UserAddr at_;
  uint64_t room_;
  uint64_t used_ = 0;
  bool truncated_ = false;
};

Result<> put_time(ControlWriter& writer, const Socket& socket, Timestamp time) {
  constexpr int32_t kNewOffset = 63 - kControlTimestamp, kNewNsOffset = 64 - kControlTimestampNs;
  bool is_new = socket.options.has(socket_options::kTimestampIsNew);
  if (socket.options.has(socket_options::kTimestampNs)) {
    return writer.put(kControlTimestampNs + (is_new ? kNewNsOffset : 0),
                      abi::TimeSpec{time.seconds, int64_t{time.nanoseconds}});
  }
  return writer.put(kControlTimestamp + (is_new ? kNewOffset : 0),
                    abi::TimeVal{time.seconds, int64_t{time.nanoseconds} / 1000});
}

// Returns the bytes received, and in `told` the flags that the user sees.
Result<size_t> receive_message(Context& context, const SocketUse& socket, UserAddr where,
                               uint32_t flags, uint32_t& told) {
  abi::MessageHeader header = TRY(UserIn<abi::MessageHeader>(where).read());
  if (header.name != 0 && header.name_size < 0) return Errno::Inval;
  IoBuffer data = TRY(data_of(header));
  SocketAddress from;
  ReceivedControl control;
  IncomingMessage message{.data = data,
                          .flags = flags,
                          .from = header.name != 0 ? &from : nullptr,
                          .control = header.control != 0 ? &control : nullptr};
  size_t moved = TRY(socket->receive(message));
  ControlWriter writer(header);
  // What cannot be written to the user's control buffer is lost, as on Linux.
  if (control.time) ignore(put_time(writer, socket.socket(), *control.time));
  if (control.sender) ignore(writer.put(kControlCredentials, *control.sender));
  writer.put_files(context, std::move(control.files), (flags & kMessageCloseOnExec) != 0);
  told = message.told | (flags & kMessageCloseOnExec);
  if (writer.truncated()) told |= kMessageControlTruncated;
  if (header.name != 0) {
    UserInOut<int32_t> size(where + offsetof(abi::MessageHeader, name_size));
    TRY(store_address(from, UserAddr{header.name}, size));
  }
  TRY(UserOut<uint32_t>(where + offsetof(abi::MessageHeader, flags)).write(told));
  TRY(UserOut<uint64_t>(where + offsetof(abi::MessageHeader, control_size)).write(writer.used()));
  return moved;
}

}  // namespace

Value sys_sendto(Context& context, Fd fd, UserAddr buffer, size_t size, Flags32 flags,
                 UserAddr address, int32_t address_size) {
  if (!is_user_range(buffer, size)) return Errno::Fault;
  IoBuffer data = user_buffer(buffer, size);
  SocketUse socket = TRY(SocketUse::load(context, fd));
  OutgoingMessage message{.data = data, .flags = with_file_flags(socket, flags.bits())};
  SocketAddress to;
  if (raw(address) != 0) {
    TRY(load_address(to, address, address_size));
    if (to.size != 0) message.to = &to;
  }
  return static_cast<int64_t>(TRY(socket->send(message)));
}

Value sys_recvfrom(Context& context, Fd fd, UserAddr buffer, size_t size, Flags32 flags,
                   UserAddr address, UserInOut<int32_t> address_size) {
  if (!is_user_range(buffer, size)) return Errno::Fault;
  IoBuffer data = user_buffer(buffer, size);
  SocketUse socket = TRY(SocketUse::load(context, fd));
  SocketAddress from;
  IncomingMessage message{.data = data, .flags = with_file_flags(socket, flags.bits())};
  if (raw(address) != 0) message.from = &from;
  size_t moved = TRY(socket->receive(message));
  if (raw(address) != 0) TRY(store_address(from, address, address_size));
  return static_cast<int64_t>(moved);
}

Value sys_sendmsg(Context& context, Fd fd, UserIn<abi::MessageHeader> where, Flags32 flags) {
  if (flags.has(kCompat)) return Errno::Inval;
  SocketUse socket = TRY(SocketUse::load(context, fd));
  abi::MessageHeader header = TRY(where.read());
  uint32_t all = with_file_flags(socket, flags.bits());
  return static_cast<int64_t>(TRY(send_message(socket, header, all)));
}

Value sys_recvmsg(Context& context, Fd fd, UserInOut<abi::MessageHeader> where, Flags32 flags) {
  if (flags.has(kCompat)) return Errno::Inval;
  SocketUse socket = TRY(SocketUse::load(context, fd));
  uint32_t told = 0;
  return static_cast<int64_t>(TRY(receive_message(context, socket, where.address(),
                                                  with_file_flags(socket, flags.bits()), told)));
}

Value sys_sendmmsg(Context& context, Fd fd, UserAddr messages, uint32_t count, Flags32 flags) {
  if (flags.has(kCompat)) return Errno::Inval;
  if (count > kMostVectors) count = kMostVectors;
  SocketUse socket = TRY(SocketUse::load(context, fd));
  uint32_t all = with_file_flags(socket, flags.bits());
  for (uint32_t sent = 0; sent < count; ++sent) {
    UserAddr at = messages + sent * sizeof(abi::MultiMessage);
    auto send_one = [&]() -> Result<> {
      abi::MessageHeader header = TRY(UserIn<abi::MessageHeader>(at).read());
      auto size = static_cast<uint32_t>(TRY(send_message(socket, header, all)));
      return UserOut<uint32_t>(at + offsetof(abi::MultiMessage, size)).write(size);
    };
    Result<> result = send_one();
    // Those before have gone; the error comes again when it lasts.
    if (!result.ok()) return sent != 0 ? Value(int64_t{sent}) : result.error();
  }
  return int64_t{count};
}

namespace {

// recvmmsg(2) looks at its time limit between messages only.
class TimeLimit {
 public:
  static Result<TimeLimit> load(UserInOut<abi::TimeSpec> address) {
    TimeLimit limit(address);
    if (address.is_null()) return limit;
    abi::TimeSpec time = TRY(address.read());
    if (!time.is_valid()) return Errno::Inval;
    limit.deadline_ = Deadline::after(time.to_ns());
    return limit;
  }
  bool is_over() const { return deadline_.at != kForever && clock::monotonic() >= deadline_.at; }
  Result<> store_rest() const {
    if (address_.is_null()) return {};
    Nanoseconds now = clock::monotonic();
    return address_.write(abi::TimeSpec::from_ns(deadline_.at > now ? deadline_.at - now : 0));
  }

 private:
  explicit TimeLimit(UserInOut<abi::TimeSpec> address) : address_(address) {}
  UserInOut<abi::TimeSpec> address_;
  Deadline deadline_;
};

}  // namespace

Value sys_recvmmsg(Context& context, Fd fd, UserAddr messages, uint32_t count, Flags32 flags,
                   UserInOut<abi::TimeSpec> timeout) {
  if (flags.has(kCompat)) return Errno::Inval;
  TimeLimit limit = TRY(TimeLimit::load(timeout));
  SocketUse socket = TRY(SocketUse::load(context, fd));
  if (!flags.has(kMessageErrorQueue)) {
    if (Errno error = socket->take_error(); error != Errno{}) return error;
  }
  uint32_t all = with_file_flags(socket, flags.bits() & ~kMessageWaitForOne);
  uint32_t received = 0;
  Result<> result;
  while (received < count && result.ok()) {
    UserAddr at = messages + received * sizeof(abi::MultiMessage);
    uint32_t told = 0;
    auto receive_one = [&]() -> Result<> {
      auto size = static_cast<uint32_t>(TRY(receive_message(context, socket, at, all, told)));
      return UserOut<uint32_t>(at + offsetof(abi::MultiMessage, size)).write(size);
    };
    result = receive_one();
    if (!result.ok()) break;
    ++received;
    if (flags.has(kMessageWaitForOne)) all |= kMessageDontWait;
    if (limit.is_over() || (told & kMessageOutOfBand) != 0) break;
  }
  if (received == 0) return result.ok() ? Value(0) : result.error();
  // The next call tells what ended this one.
  if (!result.ok() && !result.failed_with(Errno::Again)) socket->set_error(result.error());
  TRY(limit.store_rest());
  return int64_t{received};
}

}  // namespace kernel::syscall
