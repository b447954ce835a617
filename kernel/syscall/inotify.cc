// SPDX-License-Identifier: MIT
// inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2).

#include "fs/event/inotify.h"

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {

Value sys_inotify_init1(Context& context, Flags32 flags) {
  if (!flags.only(kOpenNonBlock | kOpenCloseOnExec)) return Errno::Inval;
  Ref<File> file = TRY(inotify::create(flags.bits()));
  return install_file(context, std::move(file), flags.has(kOpenCloseOnExec));
}

Value sys_inotify_add_watch(Context& context, Fd fd, UserString path, Flags32 mask) {
  // Every event and flag that inotify(7) names, those that only the kernel sends included.
  constexpr uint32_t kOnlyDirectory = 0x0100'0000, kDoNotFollow = 0x0200'0000;
  constexpr uint32_t kKnown = 0x4000'efff | kOnlyDirectory | kDoNotFollow |
                              inotify::kExcludeUnlinked | inotify::kMaskCreate |
                              inotify::kMaskAdd | inotify::kOneShot;
  if (!mask.only(kKnown) || mask.bits() == 0) return Errno::Inval;
  FileUse file = TRY(use_file(context, fd));
  if (mask.has(inotify::kMaskAdd | inotify::kMaskCreate)) return Errno::Inval;
  TRY(inotify::check_kind(*file));
  At at;
  TRY(at.load(context, abi::kAtFdCwd, path));
  auto flags = vfs::LookupFlags::None;
  if (!mask.has(kDoNotFollow)) flags = flags | vfs::LookupFlags::Follow;
  if (mask.has(kOnlyDirectory)) flags = flags | vfs::LookupFlags::Directory;
  Path place = TRY(at.lookup(flags));
  TRY(vfs::check_permission(place.inode(), vfs::kMayRead, context.task.credentials()));
  return int64_t{TRY(inotify::add_watch(*file, place.inode(), mask.bits()))};
}

Value sys_inotify_rm_watch(Context& context, Fd fd, int32_t watch) {
  FileUse file = TRY(use_file(context, fd));
  TRY(inotify::check_kind(*file));
  TRY(inotify::remove_watch(*file, watch));
  return 0;
}

}  // namespace kernel::syscall
