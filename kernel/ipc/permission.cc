// SPDX-License-Identifier: MIT
// See permission.h.

#include "ipc/permission.h"

namespace kernel::ipc {
namespace {

constexpr uint32_t kModeBits = 0777;

}  // namespace

Permission Permission::of_creator(int32_t key, uint32_t flags, const Credentials& creator) {
  return {.key = key,
          .uid = creator.euid,
          .creator_uid = creator.euid,
          .gid = creator.egid,
          .creator_gid = creator.egid,
          .mode = flags & kModeBits};
}

Result<> Permission::check(uint32_t wanted, const Credentials& credentials) const {
  uint32_t requested = wanted >> 6 | wanted >> 3 | wanted;
  uint32_t granted = mode;
  if (credentials.euid == creator_uid || credentials.euid == uid) {
    granted >>= 6;
  } else if (credentials.in_group(creator_gid) || credentials.in_group(gid)) {
    granted >>= 3;
  }
  bool refused = (requested & ~granted & 07) != 0;
  return refused && !credentials.has(Capability::IpcOwner) ? Result<>(Errno::Acces) : Result<>();
}

Result<> Permission::check_owner(const Credentials& credentials) const {
  bool owns = credentials.euid == creator_uid || credentials.euid == uid;
  return owns || credentials.has(Capability::SysAdmin) ? Result<>() : Result<>(Errno::Perm);
}

Result<> PermissionChange::apply_to(Permission& permission) const {
  if (uid == kNoId || gid == kNoId) return Errno::Inval;
  permission.uid = uid;
  permission.gid = gid;
  permission.mode = (permission.mode & ~kModeBits) | (mode & kModeBits);
  return {};
}

}  // namespace kernel::ipc
