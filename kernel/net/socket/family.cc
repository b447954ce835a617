// SPDX-License-Identifier: MIT
// See family.h.

#include "net/socket/family.h"

namespace kernel {
namespace {

constexpr int32_t kFamilies = 46;  // AF_MAX of Linux 6.1
constexpr uint32_t kTypes = 11;    // SOCK_MAX
constinit SocketFamily* families = nullptr;

}  // namespace

// Boot, one thread.
void register_socket_family(SocketFamily& family) {
  family.next = std::exchange(families, &family);
}

Result<Ref<Socket>> create_socket(int32_t number, uint32_t type, uint32_t protocol) {
  if (number < 0 || number >= kFamilies) return Errno::AfNoSupport;
  if (type >= kTypes) return Errno::Inval;
  for (SocketFamily* family = families; family != nullptr; family = family->next) {
    if (family->number == number) return family->create(static_cast<SocketType>(type), protocol);
  }
  return Errno::AfNoSupport;
}

}  // namespace kernel
