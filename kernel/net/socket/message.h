// SPDX-License-Identifier: MIT
// What one call sends through a socket or receives from it: data, address, flags and ancillary
// data (sendmsg(2), recvmsg(2), cmsg(3)).
#pragma once

#include <optional>
#include <span>

#include "fs/vfs/file.h"
#include "task/pid.h"

namespace kernel {

// MSG_*
inline constexpr uint32_t kMessageOutOfBand = 1, kMessagePeek = 2, kMessageControlTruncated = 8,
                          kMessageTruncated = 0x20, kMessageDontWait = 0x40,
                          kMessageEndOfRecord = 0x80, kMessageWaitAll = 0x100,
                          kMessageErrorQueue = 0x2000, kMessageNoSignal = 0x4000,
                          kMessageWaitForOne = 0x1'0000, kMessageCloseOnExec = 0x4000'0000;

// struct sockaddr_storage: what bind(2) and its like take, the family in the first two bytes.
struct SocketAddress {
  static constexpr uint32_t kMost = 128;
  uint32_t size = 0;
  char bytes[kMost];

  static constexpr uint32_t kFamilySize = sizeof(uint16_t);
  // Only when there is one: size >= kFamilySize.
  uint16_t family() const {
    uint16_t value;
    __builtin_memcpy(&value, bytes, sizeof value);
    return value;
  }
};

// Who sent something, as SCM_CREDENTIALS and SO_PEERCRED tell. The default is nobody known.
struct SenderCredentials {
  PidNumber pid = 0;
  Uid uid = kNoId;
  Gid gid = kNoId;
  friend bool operator==(const SenderCredentials&, const SenderCredentials&) = default;
};

struct OutgoingMessage {
  IoBuffer& data;
  uint32_t flags = 0;                  // MSG_*; DONTWAIT also when the file is so
  const SocketAddress* to = nullptr;   // null: the peer
  std::span<const char> control = {};  // ancillary data, as the user wrote it
};

// Ancillary data on its way to the user; what does not fit there is let go of.
struct ReceivedControl {
  std::optional<Timestamp> time;
  std::optional<SenderCredentials> sender;
  Vector<Ref<File>> files;
};

struct IncomingMessage {
  IoBuffer& data;
  uint32_t flags = 0;                  // asked
  SocketAddress* from = nullptr;       // filled in when not null; its size may stay 0
  ReceivedControl* control = nullptr;  // null: the caller has no room for any
  uint32_t told = 0;                   // MSG_* of the answer
};

}  // namespace kernel
