// SPDX-License-Identifier: MIT
// Changes of an inode's attributes: chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2).

#include "fs/vfs/identity.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/open.h"
#include "fs/vfs/permission.h"
#include "fs/vfs/vfs.h"
#include "task/signal_post.h"

namespace kernel::vfs {
namespace {

constexpr uint32_t kKeepSize = 1, kPunchHole = 2, kCollapse = 8, kZeroRange = 16, kInsert = 32,
                   kUnshare = 64;

Result<> check_size_limit(uint64_t size, uint64_t old_size) {
  if (size > kMaxFileSize) return Errno::FBig;
  if (size <= old_size || size <= acting_limit(Resource::FileSize)) return {};
  signal_self(Signal::Xfsz);
  return Errno::FBig;
}

Result<> set_size(const Path& path, uint64_t size) {
  Inode& inode = path.inode();
  Guard guard(inode.lock);
  uint64_t old_size = inode.size();
  TRY(check_size_limit(size, old_size));
  AttributeChange change;
  change.size = size;
  TRY(inode.set_attributes(change));
  drop_privileges_locked(inode);
  inode.touch(false, true, true);
  notify::place(path, notify::kModify);
  return {};
}

// chown takes the bits away that would let the new owner's program run as somebody.
void drop_set_id_bits(const Inode& inode, AttributeChange& change) {
  if (inode.is_directory()) return;
  uint16_t mode = inode.mode();
  auto kept = static_cast<uint16_t>(mode & ~kModeSetUid);
  if ((mode & 010) != 0) kept = static_cast<uint16_t>(kept & ~kModeSetGid);
  if (kept != mode) change.mode = kept;
}

}  // namespace

Result<> change_mode(const Path& path, uint16_t mode) {
  Inode& inode = path.inode();
  const Credentials& credentials = acting_credentials();
  TRY(check_writable_mount(path));
  if (inode.is_symlink()) return Errno::OpNotSupp;
  Guard guard(inode.lock);
  TRY(check_changeable(inode));
  if (!owns_or_fowner(inode, credentials)) return Errno::Perm;
  AttributeChange change;
  change.mode = mode & kModeMask;
  if (!credentials.in_group(inode.gid()) && !credentials.has(Capability::Fsetid)) {
    change.mode = static_cast<uint16_t>(*change.mode & ~kModeSetGid);
  }
  TRY(inode.set_attributes(change));
  notify::place(path, notify::kAttributes);
  return {};
}

Result<> change_owner(const Path& path, Uid uid, Gid gid) {
  Inode& inode = path.inode();
  const Credentials& credentials = acting_credentials();
  TRY(check_writable_mount(path));
  Guard guard(inode.lock);
  TRY(check_changeable(inode));
  bool is_owner = credentials.fsuid == inode.uid();
  bool privileged = credentials.has(Capability::Chown);
  AttributeChange change;
  if (uid != kNoId) {
    if (!privileged && !(is_owner && uid == inode.uid())) return Errno::Perm;
    change.uid = uid;
  }
  if (gid != kNoId) {
    bool own_group = gid == inode.gid() || credentials.in_group(gid);
    if (!privileged && !(is_owner && own_group)) return Errno::Perm;
    change.gid = gid;
  }
  drop_set_id_bits(inode, change);
  TRY(inode.set_attributes(change));
  if (!inode.is_directory()) drop_capabilities_locked(inode);
  if (change.uid || change.gid || change.mode) notify::place(path, notify::kAttributes);
  return {};
}

Result<> change_times(const Path& path, std::optional<Timestamp> access,
                      std::optional<Timestamp> modify, bool both_now) {
  Inode& inode = path.inode();
  const Credentials& credentials = acting_credentials();
  TRY(check_writable_mount(path));
  Guard guard(inode.lock);
  bool only_now = both_now && !inode.is_restricted(kRestrictImmutable);
  if (!only_now) TRY(check_changeable(inode));
  if (!owns_or_fowner(inode, credentials)) {
    if (!both_now) return Errno::Perm;
    TRY(check_permission(inode, kMayWrite, credentials));
  }
  AttributeChange change;
  change.access = access;
  change.modify = modify;
  TRY(inode.set_attributes(change));
  // As Linux has it: both are a utime(2), one alone is what a read or a write does.
  notify::place(path, access && modify ? notify::kAttributes
                      : access         ? notify::kAccess
                                       : notify::kModify);
  return {};
}

Result<> truncate(const Path& path, uint64_t size) {
  Inode& inode = path.inode();
  if (inode.is_directory()) return Errno::IsDir;
  if (inode.type() != FileType::Regular) return Errno::Inval;
  TRY(check_access(path, kMayWrite));
  if (inode.is_restricted(kRestrictAppend)) return Errno::Perm;
  if (inode.writers.load_acquire() < 0) return Errno::TxtBsy;
  return set_size(path, size);
}

Result<> truncate(File& file, uint64_t size) {
  if (file.inode().type() != FileType::Regular || !file.writable()) return Errno::Inval;
  TRY(check_changeable(file.inode()));
  return set_size(file.path(), size);
}

Result<> allocate(File& file, uint32_t mode, uint64_t start, uint64_t length) {
  if (length == 0) return Errno::Inval;
  constexpr uint32_t kKnown = kKeepSize | kPunchHole | kCollapse | kZeroRange | kInsert | kUnshare;
  if ((mode & ~kKnown) != 0) return Errno::OpNotSupp;
  if ((mode & (kPunchHole | kZeroRange)) == (kPunchHole | kZeroRange)) return Errno::OpNotSupp;
  if ((mode & kPunchHole) != 0 && (mode & kKeepSize) == 0) return Errno::OpNotSupp;
  if ((mode & kCollapse) != 0 && mode != kCollapse) return Errno::Inval;
  if ((mode & kInsert) != 0 && mode != kInsert) return Errno::Inval;
  if ((mode & kUnshare) != 0 && (mode & ~(kUnshare | kKeepSize)) != 0) return Errno::Inval;
  if (!file.writable()) return Errno::BadF;
  switch (file.inode().type()) {
    case FileType::Regular: break;
    case FileType::Fifo: return Errno::SPipe;
    case FileType::Directory: return Errno::IsDir;
    default: return Errno::NoDev;
  }
  uint64_t end;
  if (__builtin_add_overflow(start, length, &end) || end > kMaxFileSize) return Errno::FBig;
  Inode& inode = file.inode();
  if (inode.is_restricted(kRestrictImmutable)) return Errno::Perm;
  if ((mode & ~kKeepSize) != 0) TRY(check_changeable(inode));
  if ((mode & kPunchHole) == 0) TRY(check_size_limit(end, inode.size()));
  TRY(file.allocate(mode, start, length));
  notify::file(file, notify::kModify);
  Guard guard(inode.lock);
  drop_privileges_locked(inode);
  return {};
}

Result<> change_directory(const Path& path) {
  if (!path.inode().is_directory()) return Errno::NotDir;
  TRY(check_permission(path.inode(), kMayExecute, acting_credentials()));
  acting_context().set_working_directory(path);
  return {};
}

Result<> change_root(const Path& path) {
  if (!path.inode().is_directory()) return Errno::NotDir;
  TRY(check_permission(path.inode(), kMayExecute, acting_credentials()));
  if (!acting_has(Capability::SysChroot)) return Errno::Perm;
  acting_context().set_root(path);
  return {};
}

}  // namespace kernel::vfs
