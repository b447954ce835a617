// SPDX-License-Identifier: MIT
// See socket.h: the answers of a family that lacks an operation.

#include "net/socket/socket.h"

namespace kernel {

Socket::~Socket() = default;

Result<> Socket::pair_with(Socket&) { return Errno::OpNotSupp; }
Result<int64_t> Socket::ioctl(uint32_t, uint64_t) { return Errno::NoIoctlCmd; }
Result<> Socket::set_option(int32_t, int32_t, UserAddr, uint32_t) { return Errno::OpNotSupp; }
Result<> Socket::get_option(int32_t, int32_t, UserAddr, UserInOut<int32_t>) {
  return Errno::OpNotSupp;
}

}  // namespace kernel
