// SPDX-License-Identifier: MIT
// Structures of the socket calls as Linux lays them out on arm64 (linux/socket.h).
#pragma once

#include "lib/types.h"

namespace kernel::abi {

struct MessageHeader {  // struct msghdr
  uint64_t name;
  int32_t name_size;
  uint32_t hole1;
  uint64_t vectors;
  uint64_t vector_count;
  uint64_t control;
  uint64_t control_size;
  uint32_t flags;
  uint32_t hole2;
};
static_assert(sizeof(MessageHeader) == 56);

struct MultiMessage {  // struct mmsghdr
  MessageHeader header;
  uint32_t size;
  uint32_t hole;
};
static_assert(sizeof(MultiMessage) == 64);

}  // namespace kernel::abi
