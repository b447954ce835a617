// SPDX-License-Identifier: MIT
// execve(2), execveat(2): the running task becomes another program.
#pragma once

#include "arch/trap_frame.h"
#include "fs/vfs/vfs.h"
#include "process/argument_block.h"
#include "task/task.h"

namespace kernel {

// Which file, and what it is called: the name goes to AT_EXECFN, comm and script interpreters.
struct ExecFile {
  vfs::Start start;
  StringView path;
  vfs::LookupFlags flags = vfs::LookupFlags::Follow;
  StringView name;                 // of descriptor-relative files "/dev/fd/N…", else the path
  bool name_is_unreachable =
      false;  // the descriptor closes on exec: no interpreter could open the name
  bool is_opened = false;          // a descriptor alone: the thread is called as the file is
};

// Arguments and environment, gathered: argument strings in front of the environment's, those in
// front of the name. Begin with the name, then prepend.
struct ExecStrings {
  ArgumentBlock block;
  size_t argument_count = 0;
  size_t environment_count = 0;
};
Result<ExecStrings> begin_exec_strings(const Task& task, StringView name);
// From null-terminated arrays of pointers in user memory; a null array is empty. Errors: TooBig,
// Fault.
Result<> add_user_strings(ExecStrings& strings, UserAddr arguments, UserAddr environment);
Result<> add_kernel_strings(ExecStrings& strings, std::span<const StringView> arguments,
                            std::span<const StringView> environment);

// On an error before the point of no return the caller is intact. Behind it the task is killed.
Result<> execute(Task& task, arch::TrapFrame& frame, const ExecFile& file, ExecStrings strings);

}  // namespace kernel
