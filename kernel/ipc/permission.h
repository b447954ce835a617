// SPDX-License-Identifier: MIT
// Who may use an object of System V IPC (sysvipc(7), "struct ipc_perm"). Data; the lock of the
// object that holds it guards it.
#pragma once

#include "task/credentials.h"

namespace kernel::ipc {

inline constexpr int32_t kPrivateKey = 0;                       // IPC_PRIVATE
inline constexpr uint32_t kCreate = 01000, kExclusive = 02000;  // of the *get calls
inline constexpr uint32_t kNoWait = 04000;                      // IPC_NOWAIT
inline constexpr uint32_t kMayRead = 0444, kMayWrite = 0222, kMayExecute = 0111;

struct Permission {
  int32_t key = 0;
  Uid uid = 0, creator_uid = 0;
  Gid gid = 0, creator_gid = 0;
  uint32_t mode = 0;  // permission bits, and bits of the kind of object above them

  static Permission of_creator(int32_t key, uint32_t flags, const Credentials& creator);
  // Every bit of `wanted`, of whatever class of users it names, must be granted to the caller's.
  Result<> check(uint32_t wanted, const Credentials& credentials) const;
  // IPC_SET, IPC_RMID.
  Result<> check_owner(const Credentials& credentials) const;
};

// What IPC_SET changes.
struct PermissionChange {
  Uid uid;
  Gid gid;
  uint32_t mode;
  Result<> apply_to(Permission& permission) const;
};

}  // namespace kernel::ipc
