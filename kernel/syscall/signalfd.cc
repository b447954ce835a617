// SPDX-License-Identifier: MIT
// signalfd4(2).

#include "process/signalfd.h"

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {

Value sys_signalfd4(Context& context, Fd fd, UserIn<uint64_t> mask, size_t size, Flags32 flags) {
  if (size != sizeof(uint64_t)) return Errno::Inval;
  SignalSet signals = SignalSet(TRY(mask.read())) & ~kUnblockable;
  if (!flags.only(kOpenNonBlock | kOpenCloseOnExec)) return Errno::Inval;
  if (fd != -1) {
    FileUse file = TRY(use_file(context, fd));
    TRY(signalfd::set_signals(*file, signals));
    return fd;
  }
  Ref<File> file = TRY(signalfd::create(signals, flags.bits()));
  return install_file(context, std::move(file), flags.has(kOpenCloseOnExec));
}

}  // namespace kernel::syscall
