// SPDX-License-Identifier: MIT
// execve(2), execveat(2).

#include "process/exec.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

constexpr Fd kCurrentDirectory = -100;
constexpr size_t kPathMax = 4096;
constexpr uint32_t kSymlinkNoFollow = 0x100, kEmptyPath = 0x1000;

Value run(Context& context, const ExecFile& file, UserAddr arguments, UserAddr environment) {
  ExecStrings strings = TRY(begin_exec_strings(context.task, file.name));
  TRY(add_user_strings(strings, arguments, environment));
  TRY(execute(context.task, context.frame, file, std::move(strings)));
  return 0;
}

}  // namespace

Value sys_execve(Context& context, UserString path, UserAddr arguments, UserAddr environment) {
  String name = TRY(path.copy(kPathMax));
  if (name.empty()) return Errno::NoEnt;
  return run(context, ExecFile{.start = {}, .path = name, .name = name}, arguments, environment);
}

// The program of a descriptor is known as /dev/fd/N, which its script interpreter can open unless
// the descriptor closes on exec.
Value sys_execveat(Context& context, Fd directory, UserString path, UserAddr arguments,
                   UserAddr environment, Flags32 flags) {
  if (!flags.only(kSymlinkNoFollow | kEmptyPath)) return Errno::Inval;
  String name = TRY(path.copy(kPathMax));
  if (name.empty() && !flags.has(kEmptyPath)) return Errno::NoEnt;
  ExecFile file{.start = {}, .path = name, .name = name};
  file.flags = flags.has(kSymlinkNoFollow) ? vfs::LookupFlags::None : vfs::LookupFlags::Follow;
  if (flags.has(kEmptyPath)) file.flags = file.flags | vfs::LookupFlags::EmptyPath;
  if (name.view().starts_with("/") || (directory == kCurrentDirectory && !name.empty()))
    return run(context, file, arguments, environment);

  if (directory == kCurrentDirectory) return Errno::Acces;  // the working directory is no program
  Ref<File> opened = TRY(context.task.files->get(directory, true));
  file.start.directory = &opened->path();
  file.name_is_unreachable = TRY(context.task.files->close_on_exec_flag(directory));
  String described = name.empty() ? TRY(format_string("/dev/fd/{}", directory))
                                  : TRY(format_string("/dev/fd/{}/{}", directory, name));
  file.name = described;
  file.is_opened = name.empty();
  return run(context, file, arguments, environment);
}

}  // namespace kernel::syscall
