// SPDX-License-Identifier: MIT
// newfstatat(2), fstat(2), statx(2), statfs(2), faccessat(2), readlinkat(2).

#include "fs/vfs/mount.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

using vfs::LookupFlags;

LookupFlags follow_unless(bool no_follow) {
  return no_follow ? LookupFlags::None : LookupFlags::Follow;
}

abi::Stat to_stat(Inode& inode) {
  InodeAttributes from = inode.attributes();
  return {.device = from.file_system.value_or(inode.super_block().device()).encode(),
          .inode = from.number,
          .mode = type_bits(inode.type()) | from.mode,
          .links = from.links,
          .uid = from.uid,
          .gid = from.gid,
          .own_device = from.device.encode(),
          .hole1 = 0,
          .size = static_cast<int64_t>(from.size),
          .block_size = static_cast<int32_t>(from.block_size),
          .hole2 = 0,
          .blocks = static_cast<int64_t>(from.blocks),
          .access_seconds = from.access.seconds,
          .access_nanoseconds = from.access.nanoseconds,
          .modify_seconds = from.modify.seconds,
          .modify_nanoseconds = from.modify.nanoseconds,
          .change_seconds = from.change.seconds,
          .change_nanoseconds = from.change.nanoseconds,
          .unused = {}};
}

abi::StatxTime to_time(Timestamp time) { return {time.seconds, time.nanoseconds, 0}; }

abi::Statx to_statx(const Path& path) {
  constexpr uint32_t kBasic = 0x7ff, kBirth = 0x800, kMountId = 0x1000;
  constexpr uint64_t kMountRoot = 0x2000, kAutomount = 0x1000, kDax = 0x20'0000;
  constexpr uint64_t kShmemAttributes = 0x70;  // append, immutable, nodump: what tmpfs could have
  Inode& inode = path.inode();
  InodeAttributes from = inode.attributes();
  bool is_tmpfs =
      inode.super_block().type_name() != "proc" && inode.type() != FileType::Anonymous &&
      inode.super_block().type_name() != "pipefs" && inode.super_block().type_name() != "sysfs";
  abi::Statx to = {};
  to.mask = kBasic | kMountId | (is_tmpfs ? kBirth : 0);
  to.block_size = from.block_size;
  to.attributes = &path.dentry() == &path.mount().root() ? kMountRoot : 0;
  to.attributes_mask = kMountRoot | kAutomount | kDax | (is_tmpfs ? kShmemAttributes : 0);
  to.links = from.links;
  to.uid = from.uid;
  to.gid = from.gid;
  to.mode = static_cast<uint16_t>(type_bits(inode.type()) | from.mode);
  to.inode = from.number;
  to.size = from.size;
  to.blocks = from.blocks;
  to.access = to_time(from.access);
  if (is_tmpfs) to.birth = to_time(from.birth);
  to.change = to_time(from.change);
  to.modify = to_time(from.modify);
  to.own_device_major = from.device.major;
  to.own_device_minor = from.device.minor;
  DeviceNumber file_system = from.file_system.value_or(inode.super_block().device());
  to.device_major = file_system.major;
  to.device_minor = file_system.minor;
  to.mount_id = path.mount().id();
  return to;
}

abi::Statfs to_statfs(const Path& path) {
  FileSystemStatistics from = path.mount().super_block().statistics();
  abi::Statfs to = {};
  to.type = static_cast<int64_t>(from.type);
  to.block_size = to.fragment_size = static_cast<int64_t>(from.block_size);
  to.blocks = from.blocks;
  to.free_blocks = from.free_blocks;
  to.available_blocks = from.available_blocks;
  to.files = from.files;
  to.free_files = from.free_files;
  to.id[0] = static_cast<int32_t>(from.id);
  to.id[1] = static_cast<int32_t>(from.id >> 32);
  to.name_limit = static_cast<int64_t>(from.name_limit);
  // ST_*: where they differ from the mount flags, by table.
  constexpr int64_t kValid = 0x20;
  uint32_t flags = path.mount().flags();
  to.flags =
      kValid |
      (flags & (kMountNoSuid | kMountNoDev | kMountNoExec | kMountNoAtime | kMountNoDirAtime));
  if (path.mount().read_only()) to.flags |= 1;
  uint32_t asked = path.mount().super_block().asked_flags.load_relaxed();
  to.flags |= asked & (kSuperSync | kSuperMandatory);
  if ((flags & kMountRelatime) != 0) to.flags |= 0x1000;
  if ((flags & kMountNoSymFollow) != 0) to.flags |= 0x2000;
  return to;
}

// The task's credentials as access(2) uses them: real ids, and the capabilities that come with
// them.
Result<Ref<Credentials>> real_credentials(const Credentials& own) {
  Ref<Credentials> real = TRY(own.clone());
  real->fsuid = own.uid;
  real->fsgid = own.gid;
  if ((own.securebits & kSecureNoSetuidFixup) == 0)
    real->effective = own.uid == 0 ? own.permitted : 0;
  return real;
}

Value check_access(Context& context, Fd directory, UserString path, uint32_t mode, Flags32 flags) {
  if ((mode & ~7u) != 0) return Errno::Inval;
  if (!flags.only(abi::kAtEaccess | abi::kAtSymlinkNoFollow | abi::kAtEmptyPath))
    return Errno::Inval;
  At at;
  bool empty_allowed = flags.has(abi::kAtEmptyPath);
  TRY(at.load(context, directory, path, empty_allowed ? At::Empty::Allowed : At::Empty::Refused));
  const Credentials& own = context.task.credentials();
  bool same = own.uid == own.fsuid && own.gid == own.fsgid && own.uid == own.euid;
  // The walk, too, is done as the real user: Linux overrides the whole of it; so do files behind
  // directories that only the effective user may search stay out of reach.
  Path place =
      TRY(at.lookup(follow_unless(flags.has(abi::kAtSymlinkNoFollow)) | LookupFlags::EmptyPath));
  if (mode == 0) return 0;
  if (flags.has(abi::kAtEaccess) || same) {
    TRY(vfs::check_access(place, mode, own));
    return 0;
  }
  Ref<Credentials> real = TRY(real_credentials(own));
  TRY(vfs::check_access(place, mode, *real));
  return 0;
}

}  // namespace

Value sys_newfstatat(Context& context, Fd directory, UserString path, UserOut<abi::Stat> buffer,
                     Flags32 flags) {
  if (!flags.only(abi::kAtSymlinkNoFollow | abi::kAtNoAutomount | abi::kAtEmptyPath |
                  abi::kAtStatxSyncType)) {
    return Errno::Inval;
  }
  At at;
  TRY(at.load(context, directory, path,
              flags.has(abi::kAtEmptyPath) ? At::Empty::Allowed : At::Empty::Refused));
  Path place =
      TRY(at.lookup(follow_unless(flags.has(abi::kAtSymlinkNoFollow)) | LookupFlags::EmptyPath));
  TRY(buffer.write(to_stat(place.inode())));
  return 0;
}

Value sys_fstat(Context& context, Fd fd, UserOut<abi::Stat> buffer) {
  FileUse file = TRY(use_place(context, fd));
  TRY(buffer.write(to_stat(file->inode())));
  return 0;
}

Value sys_statx(Context& context, Fd directory, UserString path, Flags32 flags, uint32_t mask,
                UserOut<abi::Statx> buffer) {
  constexpr uint32_t kReserved = 0x8000'0000;
  if ((mask & kReserved) != 0) return Errno::Inval;
  if (flags.has(abi::kAtStatxSyncType)) return Errno::Inval;  // "force" and "don't" at once
  if (!flags.only(abi::kAtSymlinkNoFollow | abi::kAtNoAutomount | abi::kAtEmptyPath |
                  abi::kAtStatxSyncType)) {
    return Errno::Inval;
  }
  At at;
  TRY(at.load(context, directory, path,
              flags.has(abi::kAtEmptyPath) ? At::Empty::Allowed : At::Empty::Refused));
  Path place =
      TRY(at.lookup(follow_unless(flags.has(abi::kAtSymlinkNoFollow)) | LookupFlags::EmptyPath));
  TRY(buffer.write(to_statx(place)));
  return 0;
}

Value sys_statfs(Context& context, UserString path, UserOut<abi::Statfs> buffer) {
  At at;
  TRY(at.load(context, abi::kAtFdCwd, path));
  TRY(buffer.write(to_statfs(TRY(at.lookup(LookupFlags::Follow)))));
  return 0;
}

Value sys_fstatfs(Context& context, Fd fd, UserOut<abi::Statfs> buffer) {
  FileUse file = TRY(use_place(context, fd));
  TRY(buffer.write(to_statfs(file->path())));
  return 0;
}

Value sys_faccessat(Context& context, Fd directory, UserString path, uint32_t mode) {
  return check_access(context, directory, path, mode, Flags32(0));
}

Value sys_faccessat2(Context& context, Fd directory, UserString path, uint32_t mode,
                     Flags32 flags) {
  return check_access(context, directory, path, mode, flags);
}

Value sys_readlinkat(Context& context, Fd directory, UserString path, UserAddr buffer,
                     int32_t size) {
  if (size <= 0) return Errno::Inval;
  At at;
  TRY(at.load(context, directory, path, At::Empty::Allowed));
  bool own_link = at.path().empty();  // readlinkat(2): the O_PATH descriptor of a link itself
  Path place = TRY(at.lookup(LookupFlags::EmptyPath));
  Inode& inode = place.inode();
  if (!inode.is_symlink()) return own_link ? Errno::NoEnt : Errno::Inval;
  String target = TRY(inode.read_link());
  inode.note_access(place.mount());
  size_t count =
      target.size() < static_cast<size_t>(size) ? target.size() : static_cast<size_t>(size);
  TRY(copy_out(buffer, target.c_str(), count));
  return static_cast<int64_t>(count);
}

}  // namespace kernel::syscall
