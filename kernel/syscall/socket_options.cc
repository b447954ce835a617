// SPDX-License-Identifier: MIT
// setsockopt(2), getsockopt(2).

#include "net/socket/control.h"
#include "syscall/declarations.h"
#include "syscall/socket_arguments.h"

namespace kernel::syscall {

Value sys_setsockopt(Context& context, Fd fd, int32_t level, int32_t name, UserAddr value,
                     int32_t size) {
  if (size < 0) return Errno::Inval;
  SocketUse socket = TRY(SocketUse::load(context, fd));
  auto length = static_cast<uint32_t>(size);
  if (level == kLevelSocket) {
    TRY(socket_options::set(socket.socket(), name, value, length));
  } else {
    TRY(socket->set_option(level, name, value, length));
  }
  return 0;
}

Value sys_getsockopt(Context& context, Fd fd, int32_t level, int32_t name, UserAddr value,
                     UserInOut<int32_t> size) {
  SocketUse socket = TRY(SocketUse::load(context, fd));
  if (level == kLevelSocket) {
    TRY(socket_options::get(socket.socket(), name, value, size));
  } else {
    TRY(socket->get_option(level, name, value, size));
  }
  return 0;
}

}  // namespace kernel::syscall
