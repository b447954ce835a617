// SPDX-License-Identifier: MIT
// Who may do what to an inode (path_resolution(7), capabilities(7)). Lock-free: a walk asks at each
// step.

#include "fs/vfs/permission.h"

#include "fs/vfs/identity.h"
#include "fs/vfs/vfs.h"

namespace kernel::vfs {

Result<> check_permission(Inode& inode, unsigned wanted, const Credentials& credentials) {
  if ((wanted & kMayWrite) != 0 && inode.is_restricted(kRestrictImmutable)) return Errno::Perm;
  unsigned mode = inode.mode();
  if (credentials.fsuid == inode.uid()) {
    mode >>= 6;
  } else if (credentials.in_group(inode.gid())) {
    mode >>= 3;
  }
  if ((wanted & ~mode & 7) == 0) return {};

  if (inode.is_directory()) {
    if ((wanted & kMayWrite) == 0 && credentials.has(Capability::DacReadSearch)) return {};
    if (credentials.has(Capability::DacOverride) || inode.admits_anyway()) return {};
    return Errno::Acces;
  }
  if (wanted == kMayRead && credentials.has(Capability::DacReadSearch)) return {};
  // Even the superuser executes only what somebody may execute.
  bool executable = (inode.mode() & 0111) != 0;
  if (((wanted & kMayExecute) == 0 || executable) && credentials.has(Capability::DacOverride))
    return {};
  return Errno::Acces;
}

Result<> check_access(const Path& path, unsigned wanted, const Credentials& credentials) {
  Inode& inode = path.inode();
  if ((wanted & kMayWrite) != 0 && path.mount().read_only()) {
    // Devices, FIFOs and sockets are written to, not their file system.
    if (inode.type() == FileType::Regular || inode.is_directory() || inode.is_symlink())
      return Errno::RoFs;
  }
  if ((wanted & kMayExecute) != 0 && inode.type() == FileType::Regular &&
      path.mount().has(kMountNoExec)) {
    return Errno::Acces;
  }
  return check_permission(inode, wanted, credentials);
}

Result<> check_access(const Path& path, unsigned wanted) {
  return check_access(path, wanted, acting_credentials());
}

Result<> check_writable_mount(const Path& path) {
  return path.mount().read_only() ? Result<>(Errno::RoFs) : Result<>();
}

bool owns_or_fowner(const Inode& inode, const Credentials& credentials) {
  return credentials.fsuid == inode.uid() || credentials.has(Capability::Fowner);
}

Result<> check_create_in(const Path& directory) {
  if (directory.inode().removed_directory.load_relaxed()) return Errno::NoEnt;
  TRY(check_writable_mount(directory));
  return check_permission(directory.inode(), kMayWrite | kMayExecute, acting_credentials());
}

// A sticky directory's entries go only with their owner, its owner, or CAP_FOWNER.
Result<> check_remove_from(const Path& directory, Inode& target) {
  const Credentials& credentials = acting_credentials();
  Inode& parent = directory.inode();
  TRY(check_writable_mount(directory));
  TRY(check_permission(parent, kMayWrite | kMayExecute, credentials));
  if (parent.is_restricted(kRestrictAppend) ||
      target.is_restricted(kRestrictAppend | kRestrictImmutable))
    return Errno::Perm;
  if ((parent.mode() & kModeSticky) != 0 && credentials.fsuid != target.uid() &&
      credentials.fsuid != parent.uid() && !credentials.has(Capability::Fowner)) {
    return Errno::Perm;
  }
  return {};
}

constinit Protection protection;

Result<> check_changeable(const Inode& inode) {
  return inode.is_restricted(kRestrictAppend | kRestrictImmutable) ? Result<>(Errno::Perm)
                                                                   : Result<>();
}

Result<> check_link_source(Inode& target) {
  TRY(check_changeable(target));
  const Credentials& credentials = acting_credentials();
  if (protection.hard_links.load_relaxed() == 0 || owns_or_fowner(target, credentials)) return {};
  uint16_t mode = target.mode();
  constexpr uint16_t kGroupRuns = kModeSetGid | 010;
  bool safe = target.type() == FileType::Regular && (mode & kModeSetUid) == 0 &&
              (mode & kGroupRuns) != kGroupRuns &&
              check_permission(target, kMayRead | kMayWrite, credentials).ok();
  return safe ? Result<>() : Errno::Perm;
}

Result<> check_follow(const Inode& directory, const Inode& link) {
  constexpr uint16_t kTrap = kModeSticky | 02;
  if (protection.symbolic_links.load_relaxed() == 0 || (directory.mode() & kTrap) != kTrap ||
      acting_credentials().fsuid == link.uid() || directory.uid() == link.uid()) {
    return {};
  }
  return Errno::Acces;
}

Result<> check_sticky_create(const Inode& directory, const Inode& target) {
  uint32_t level = 0;
  if (target.type() == FileType::Fifo) level = protection.fifos.load_relaxed();
  if (target.type() == FileType::Regular) level = protection.regular_files.load_relaxed();
  if (level == 0 || (directory.mode() & kModeSticky) == 0 || target.uid() == directory.uid() ||
      target.uid() == acting_credentials().fsuid) {
    return {};
  }
  uint16_t writable_by = level >= 2 ? 022 : 02;
  return (directory.mode() & writable_by) != 0 ? Errno::Acces : Result<>();
}

CreateParameters new_inode_parameters(const Inode& directory, FileType type, uint16_t mode) {
  const Credentials& credentials = acting_credentials();
  CreateParameters parameters;
  parameters.type = type;
  parameters.mode = mode & kModeMask;
  parameters.uid = credentials.fsuid;
  parameters.gid = credentials.fsgid;
  if ((directory.mode() & kModeSetGid) != 0) {
    parameters.gid = directory.gid();
    if (type == FileType::Directory) {
      parameters.mode |= kModeSetGid;
    } else if ((parameters.mode & (kModeSetGid | 010)) == (kModeSetGid | 010) &&
               !credentials.in_group(parameters.gid) && !credentials.has(Capability::Fsetid)) {
      parameters.mode = static_cast<uint16_t>(parameters.mode & ~kModeSetGid);
    }
  }
  return parameters;
}

}  // namespace kernel::vfs
