// SPDX-License-Identifier: MIT
// ioctl(2): the requests that every file answers; the rest is the file's own. vhangup(2).

#include "fs/tty/controlling.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

constexpr uint32_t kFioNonBlock = 0x5421, kFioNoCloseOnExec = 0x5450, kFioCloseOnExec = 0x5451,
                   kFioAsync = 0x5452, kFioQuerySize = 0x5460, kFioReadable = 0x541b,
                   kFigetBlockSize = 2, kFiFreeze = 0xc004'5877, kFiThaw = 0xc004'5878;

Value set_flag(File& file, uint32_t flag, UserAddr argument) {
  int32_t on = TRY(UserIn<int32_t>(argument).read());
  file.change_flags(flag, on != 0 ? flag : 0);
  return 0;
}

Value set_async(File& file, Fd fd, UserAddr argument) {
  bool on = TRY(UserIn<int32_t>(argument).read()) != 0;
  if (((file.flags() & kOpenAsync) != 0) == on) return 0;
  if (!file.can_be_async()) return Errno::NoTty;
  TRY(file.set_async(fd, on));
  return 0;
}

Value query_size(File& file, UserAddr argument) {
  Inode& inode = file.inode();
  if (inode.type() != FileType::Regular && !inode.is_directory() && !inode.is_symlink())
    return Errno::NoTty;
  TRY(UserOut<int64_t>(argument).write(static_cast<int64_t>(inode.size())));
  return 0;
}

Value readable_bytes(File& file, UserAddr argument) {
  uint64_t size = file.inode().size();
  uint64_t position = file.position_hint();
  auto left = static_cast<int32_t>(size - position);
  TRY(UserOut<int32_t>(argument).write(left));
  return 0;
}

}  // namespace

Value sys_ioctl(Context& context, Fd fd, uint32_t request, uint64_t argument) {
  FileUse file = TRY(use_file(context, fd));
  UserAddr address{argument};
  switch (request) {
    case kFioCloseOnExec: TRY(files_of(context).set_close_on_exec(fd, true)); return 0;
    case kFioNoCloseOnExec: TRY(files_of(context).set_close_on_exec(fd, false)); return 0;
    case kFioNonBlock: return set_flag(*file, kOpenNonBlock, address);
    case kFioAsync: return set_async(*file, fd, address);
    case kFioQuerySize: return query_size(*file, address);
    case kFigetBlockSize:
      if (file->inode().type() == FileType::Anonymous) return Errno::Inval;
      TRY(UserOut<int32_t>(address).write(static_cast<int32_t>(kPageSize)));
      return 0;
    case kFiFreeze:
    case kFiThaw:
      return context.task.credentials().has(Capability::SysAdmin) ? Errno::OpNotSupp : Errno::Perm;
    case kFioReadable:
      if (file->inode().type() == FileType::Regular) return readable_bytes(*file, address);
      break;
    default: break;
  }
  Result<int64_t> result = file->ioctl(request, argument);
  return result.failed_with(Errno::NoIoctlCmd) ? Value(Errno::NoTty) : result;
}

Value sys_vhangup(Context& context) {
  if (!context.task.credentials().has(Capability::SysTtyConfig)) return Errno::Perm;
  hang_up_controlling_terminal();
  return 0;
}

}  // namespace kernel::syscall
