// SPDX-License-Identifier: MIT
// Arguments that socket calls share: sockets by descriptor, addresses.
#pragma once

#include "net/socket/socket_file.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {

// A socket in use by one call.
class SocketUse {
 public:
  // Errors: BadF, NotSock.
  static Result<SocketUse> load(Context& context, Fd fd) {
    FileUse file = TRY(use_file(context, fd));
    if (SocketFile::of(*file) == nullptr) return Errno::NotSock;
    return SocketUse(std::move(file));
  }
  Socket* operator->() const { return &socket(); }
  Socket& socket() const { return SocketFile::of(*file_)->socket(); }
  bool nonblocking() const { return file_->nonblocking(); }

 private:
  explicit SocketUse(FileUse file) : file_(std::move(file)) {}
  FileUse file_;
};

// Errors: Inval, a size that no address has; Fault.
inline Result<> load_address(SocketAddress& address, UserAddr from, int32_t size) {
  if (size < 0 || static_cast<uint32_t>(size) > SocketAddress::kMost) return Errno::Inval;
  address.size = static_cast<uint32_t>(size);
  return copy_in(address.bytes, from, address.size);
}

// As much as there is room for; `size` is the room, then how much there was.
inline Result<> store_address(const SocketAddress& address, UserAddr to, UserInOut<int32_t> size) {
  int32_t room = TRY(size.read());
  auto whole = static_cast<int32_t>(address.size);
  if (room > whole) room = whole;
  if (room < 0) return Errno::Inval;
  TRY(copy_out(to, address.bytes, static_cast<size_t>(room)));
  return size.write(whole);
}

}  // namespace kernel::syscall
