// SPDX-License-Identifier: MIT
// mkdirat(2), mknodat(2), symlinkat(2), linkat(2), unlinkat(2), renameat2(2).

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

Result<FileType> node_type(uint32_t mode) {
  switch (mode & 0170000) {
    case 0:
    case 0100000: return FileType::Regular;
    case 0020000: return FileType::CharDevice;
    case 0060000: return FileType::BlockDevice;
    case 0010000: return FileType::Fifo;
    case 0140000: return FileType::Socket;
    case 0040000: return Errno::Perm;
    default: return Errno::Inval;
  }
}

Value rename(Context& context, Fd old_directory, UserString old_path, Fd new_directory,
             UserString new_path, uint32_t flags) {
  At from, to;
  TRY(from.load(context, old_directory, old_path));
  TRY(to.load(context, new_directory, new_path));
  TRY(vfs::rename(from.start(), from.path(), to.start(), to.path(), flags));
  return 0;
}

}  // namespace

Value sys_mkdirat(Context& context, Fd directory, UserString path, uint32_t mode) {
  At at;
  TRY(at.load(context, directory, path));
  TRY(vfs::make_directory(at.start(), at.path(), static_cast<uint16_t>(mode & kModeMask)));
  return 0;
}

Value sys_mknodat(Context& context, Fd directory, UserString path, uint32_t mode, uint32_t device) {
  At at;
  TRY(at.load(context, directory, path));
  FileType type = TRY(node_type(mode));
  auto permissions = static_cast<uint16_t>(mode & kModeMask);
  TRY(vfs::make_node(at.start(), at.path(), type, permissions, DeviceNumber::decode(device)));
  return 0;
}

Value sys_symlinkat(Context& context, UserString target, Fd directory, UserString path) {
  String text = TRY(target.copy(kPathMax));
  if (text.empty()) return Errno::NoEnt;
  At at;
  TRY(at.load(context, directory, path));
  TRY(vfs::symbolic_link(text, at.start(), at.path()));
  return 0;
}

Value sys_linkat(Context& context, Fd old_directory, UserString old_path, Fd new_directory,
                 UserString new_path, Flags32 flags) {
  if (!flags.only(abi::kAtSymlinkFollow | abi::kAtEmptyPath)) return Errno::Inval;
  bool empty = flags.has(abi::kAtEmptyPath);
  At from, to;
  TRY(from.load(context, old_directory, old_path, empty ? At::Empty::Allowed : At::Empty::Refused));
  if (empty && from.path().empty() && !context.task.credentials().has(Capability::DacReadSearch)) {
    return Errno::NoEnt;
  }
  TRY(to.load(context, new_directory, new_path));
  vfs::LookupFlags lookup =
      flags.has(abi::kAtSymlinkFollow) ? vfs::LookupFlags::Follow : vfs::LookupFlags::None;
  if (empty) lookup = lookup | vfs::LookupFlags::EmptyPath;
  TRY(vfs::hard_link(from.start(), from.path(), to.start(), to.path(), lookup));
  return 0;
}

Value sys_unlinkat(Context& context, Fd directory, UserString path, Flags32 flags) {
  if (!flags.only(abi::kAtRemoveDir)) return Errno::Inval;
  At at;
  TRY(at.load(context, directory, path));
  if (flags.has(abi::kAtRemoveDir)) {
    TRY(vfs::remove_directory(at.start(), at.path()));
  } else {
    TRY(vfs::unlink(at.start(), at.path()));
  }
  return 0;
}

Value sys_renameat(Context& context, Fd old_directory, UserString old_path, Fd new_directory,
                   UserString new_path) {
  return rename(context, old_directory, old_path, new_directory, new_path, 0);
}

Value sys_renameat2(Context& context, Fd old_directory, UserString old_path, Fd new_directory,
                    UserString new_path, Flags32 flags) {
  constexpr uint32_t kKnown = vfs::kRenameNoReplace | vfs::kRenameExchange | vfs::kRenameWhiteout;
  if (!flags.only(kKnown)) return Errno::Inval;
  return rename(context, old_directory, old_path, new_directory, new_path, flags.bits());
}

}  // namespace kernel::syscall
