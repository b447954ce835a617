// SPDX-License-Identifier: MIT
// sync(2), fsync(2), syncfs(2), sync_file_range(2), posix_fadvise(2), readahead(2).

#include "fs/vfs/device_mount.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"
#include "vm/page_cache.h"

namespace kernel::syscall {

// Errors are told to those who ask for one file (fsync).
Value sys_sync(Context&) {
  page_cache::synchronise_all();
  ignore(vfs::synchronise_devices());
  return 0;
}

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
  Result<> written = file->path().mount().super_block().synchronise();
  Result<> told = file->report_file_system_errors();
  TRY(std::move(written));
  TRY(std::move(told));
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
  TRY(file->write_back_range(static_cast<uint64_t>(offset),
                             size == 0 ? kMaxFileSize : static_cast<uint64_t>(end), flags.bits()));
  return 0;
}

Value sys_fadvise64(Context& context, Fd fd, int64_t offset, int64_t size, uint32_t advice) {
  constexpr uint32_t kLastAdvice = 5;  // POSIX_FADV_NOREUSE
  FileUse file = TRY(use_file(context, fd));
  if (file->inode().type() == FileType::Fifo) return Errno::SPipe;
  if (size < 0 || advice > kLastAdvice) return Errno::Inval;
  // Linux takes the offset as it is; a range that wraps ends at the last byte.
  auto start = static_cast<uint64_t>(offset);
  uint64_t end = start + static_cast<uint64_t>(size);
  if (size == 0 || end < start) end = ~uint64_t{0};
  file->advise(static_cast<File::Advice>(advice), start, end);
  return 0;
}

Value sys_readahead(Context& context, Fd fd, int64_t offset, size_t count) {
  FileUse file = TRY(use_file(context, fd));
  if (!file->readable()) return Errno::BadF;
  if (file->inode().type() != FileType::Regular || file->inode().contents() == nullptr)
    return Errno::Inval;
  if (static_cast<int64_t>(count) < 0) return Errno::Inval;
  if (offset < 0) return 0;  // nothing lies there
  auto start = static_cast<uint64_t>(offset);
  uint64_t end = start + count < start ? ~uint64_t{0} : start + count;
  file->advise(File::Advice::WillNeed, start, end);
  return 0;
}

}  // namespace kernel::syscall
