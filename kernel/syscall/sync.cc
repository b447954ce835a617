// SPDX-License-Identifier: MIT
// sync(2), fsync(2), syncfs(2), sync_file_range(2), posix_fadvise(2), readahead(2).

#include "fs/vfs/mount.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {

// Every file system here lives in memory: there is nothing that a crash would lose otherwise. Disks
// register with the page cache, and this goes there.
Value sys_sync(Context&) { return 0; }

Value sys_fsync(Context& context, Fd fd) {
  FileUse file = TRY(use_file(context, fd));
  TRY(file->synchronise(false));
  return 0;
}

Value sys_fdatasync(Context& context, Fd fd) {
  FileUse file = TRY(use_file(context, fd));
  TRY(file->synchronise(true));
  return 0;
}

Value sys_syncfs(Context& context, Fd fd) {
  FileUse file = TRY(use_file(context, fd));
  TRY(file->path().mount().super_block().synchronise());
  return 0;
}

Value sys_sync_file_range(Context& context, Fd fd, int64_t offset, int64_t size, Flags32 flags) {
  FileUse file = TRY(use_file(context, fd));
  constexpr uint32_t kKnown = 7;  // SYNC_FILE_RANGE_WAIT_BEFORE, WRITE, WAIT_AFTER
  int64_t end;
  if (!flags.only(kKnown) || offset < 0 || size < 0) return Errno::Inval;
  if (__builtin_add_overflow(offset, size, &end)) return Errno::Inval;
  FileType type = file->inode().type();
  if (type != FileType::Regular && type != FileType::Directory && type != FileType::Symlink &&
      type != FileType::BlockDevice) {
    return Errno::SPipe;
  }
  if (MemoryObject* object = file->inode().contents()) {
    TRY(object->write_back(static_cast<uint64_t>(offset),
                           size == 0 ? kMaxFileSize : static_cast<uint64_t>(end)));
  }
  return 0;
}

Value sys_fadvise64(Context& context, Fd fd, int64_t, int64_t size, uint32_t advice) {
  constexpr uint32_t kLastAdvice = 5;  // POSIX_FADV_NOREUSE
  FileUse file = TRY(use_file(context, fd));
  if (file->inode().type() == FileType::Fifo) return Errno::SPipe;
  if (size < 0 || advice > kLastAdvice) return Errno::Inval;
  return 0;  // advice, and pages in memory need none
}

Value sys_readahead(Context& context, Fd fd, int64_t, size_t) {
  FileUse file = TRY(use_file(context, fd));
  if (!file->readable()) return Errno::BadF;
  if (file->inode().type() != FileType::Regular || file->inode().contents() == nullptr)
    return Errno::Inval;
  return 0;
}

}  // namespace kernel::syscall
