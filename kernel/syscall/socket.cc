// SPDX-License-Identifier: MIT
// socket(2), socketpair(2), bind(2), listen(2), accept(2), connect(2), getsockname(2),
// getpeername(2), shutdown(2).

#include "net/socket/family.h"
#include "syscall/declarations.h"
#include "syscall/socket_arguments.h"

namespace kernel::syscall {
namespace {

constexpr uint32_t kTypeMask = 0xf;
constexpr uint32_t kTypeFlags = kOpenNonBlock | kOpenCloseOnExec;  // SOCK_NONBLOCK, SOCK_CLOEXEC

// Descriptors that were reserved before there is anything to put there.
class ReservedFd : public Pinned {
 public:
  explicit ReservedFd(Context& context) : context_(context) {}
  Result<> reserve() {
    fd_ = TRY(files_of(context_).reserve(open_files_limit(context_)));
    return {};
  }
  Fd number() const { return fd_; }
  Fd fill(Ref<File> file, bool close_on_exec) {
    files_of(context_).fill(fd_, std::move(file), close_on_exec);
    return std::exchange(fd_, -1);
  }
  ~ReservedFd() {
    if (fd_ >= 0) files_of(context_).release(fd_);
  }

 private:
  Context& context_;
  Fd fd_ = -1;
};

Value accept(Context& context, Fd fd, UserAddr address, UserInOut<int32_t> size, uint32_t flags) {
  if ((flags & ~kTypeFlags) != 0) return Errno::Inval;
  FileUse file = TRY(use_file(context, fd));
  ReservedFd reserved(context);
  TRY(reserved.reserve());
  SocketUse socket = TRY(SocketUse::load(context, fd));
  Ref<Socket> accepted = TRY(socket->accept(socket.nonblocking()));
  Ref<SocketFile> made = TRY(SocketFile::create(accepted, flags & kOpenNonBlock));
  if (raw(address) != 0) {
    SocketAddress peer;
    if (!accepted->peer_address(peer).ok()) return Errno::ConnAborted;
    TRY(store_address(peer, address, size));
  }
  return reserved.fill(std::move(made), (flags & kOpenCloseOnExec) != 0);
}

}  // namespace

Value sys_socket(Context& context, int32_t family, uint32_t type, uint32_t protocol) {
  if ((type & ~kTypeMask & ~kTypeFlags) != 0) return Errno::Inval;
  Ref<Socket> socket = TRY(create_socket(family, type & kTypeMask, protocol));
  Ref<SocketFile> file = TRY(SocketFile::create(std::move(socket), type & kOpenNonBlock));
  return install_file(context, std::move(file), (type & kOpenCloseOnExec) != 0);
}

Value sys_socketpair(Context& context, int32_t family, uint32_t type, uint32_t protocol,
                     UserAddr fds) {
  if ((type & ~kTypeMask & ~kTypeFlags) != 0) return Errno::Inval;
  ReservedFd first(context), second(context);
  TRY(first.reserve());
  TRY(second.reserve());
  Fd numbers[2] = {first.number(), second.number()};
  TRY(copy_out(fds, numbers, sizeof numbers));
  Ref<Socket> one = TRY(create_socket(family, type & kTypeMask, protocol));
  Ref<Socket> other = TRY(create_socket(family, type & kTypeMask, protocol));
  Ref<SocketFile> one_file = TRY(SocketFile::create(one, type & kOpenNonBlock));
  Ref<SocketFile> other_file = TRY(SocketFile::create(other, type & kOpenNonBlock));
  TRY(one->pair_with(*other));
  first.fill(std::move(one_file), (type & kOpenCloseOnExec) != 0);
  second.fill(std::move(other_file), (type & kOpenCloseOnExec) != 0);
  return 0;
}

Value sys_bind(Context& context, Fd fd, UserAddr from, int32_t size) {
  SocketUse socket = TRY(SocketUse::load(context, fd));
  SocketAddress address;
  TRY(load_address(address, from, size));
  TRY(socket->bind(address));
  return 0;
}

Value sys_listen(Context& context, Fd fd, int32_t backlog) {
  SocketUse socket = TRY(SocketUse::load(context, fd));
  TRY(socket->listen(static_cast<uint32_t>(backlog)));
  return 0;
}

Value sys_accept(Context& context, Fd fd, UserAddr address, UserInOut<int32_t> size) {
  return accept(context, fd, address, size, 0);
}

Value sys_accept4(Context& context, Fd fd, UserAddr address, UserInOut<int32_t> size,
                  Flags32 flags) {
  return accept(context, fd, address, size, flags.bits());
}

Value sys_connect(Context& context, Fd fd, UserAddr from, int32_t size) {
  FileUse file = TRY(use_file(context, fd));
  SocketAddress address;
  TRY(load_address(address, from, size));
  SocketUse socket = TRY(SocketUse::load(context, fd));
  TRY(socket->connect(address, socket.nonblocking()));
  return 0;
}

Value sys_getsockname(Context& context, Fd fd, UserAddr to, UserInOut<int32_t> size) {
  SocketUse socket = TRY(SocketUse::load(context, fd));
  SocketAddress address;
  TRY(socket->local_address(address));
  TRY(store_address(address, to, size));
  return 0;
}

Value sys_getpeername(Context& context, Fd fd, UserAddr to, UserInOut<int32_t> size) {
  SocketUse socket = TRY(SocketUse::load(context, fd));
  SocketAddress address;
  TRY(socket->peer_address(address));
  TRY(store_address(address, to, size));
  return 0;
}

Value sys_shutdown(Context& context, Fd fd, int32_t how) {
  SocketUse socket = TRY(SocketUse::load(context, fd));
  constexpr int32_t kShutWays = 3;  // SHUT_RD, SHUT_WR, SHUT_RDWR: bits, less one
  if (how < 0 || how >= kShutWays) return Errno::Inval;
  TRY(socket->shutdown(static_cast<uint32_t>(how) + 1));
  return 0;
}

}  // namespace kernel::syscall
