// SPDX-License-Identifier: MIT
// Address families: each registers once, at boot, how its sockets are made.
#pragma once

#include "net/socket/socket.h"

namespace kernel {

struct SocketFamily {
  uint16_t number;
  Result<Ref<Socket>> (*create)(SocketType type, uint32_t protocol);
  SocketFamily* next = nullptr;
};
void register_socket_family(SocketFamily& family);

// socket(2). Errors: AfNoSupport, Inval, and the family's own.
Result<Ref<Socket>> create_socket(int32_t family, uint32_t type, uint32_t protocol);

}  // namespace kernel
