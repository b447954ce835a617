// SPDX-License-Identifier: MIT
// Looking at another task from outside (procfs, ptrace-like calls): references that stay good
// whatever the task does meanwhile. Thread context.
#pragma once

#include "fs/vfs/fd_table.h"
#include "fs/vfs/fs_context.h"
#include "task/task.h"
#include "vm/address_space.h"

namespace kernel {

// Empty: a kernel thread, or it has ended.
Optional<Ref<AddressSpace>> address_space_of(const Task& task);
Optional<Ref<FdTable>> files_of(const Task& task);
Optional<Ref<FsContext>> fs_context_of(const Task& task);
// ptrace(2), "Ptrace access mode checking": may `self` look into `target`, by its real ids (as a
// debugger does) or by those that count for files? One's own process always.
enum class IdsFrom : uint8_t { Real, FileSystem };
bool may_trace(const Task& self, Task& target, IdsFrom ids);
// How likely the out-of-memory killer takes it, 0 to 2000 (/proc/PID/oom_score).
unsigned oom_score(ThreadGroup& group);
// Signals queued now for the user of these credentials (RLIMIT_SIGPENDING).
uint64_t pending_signal_count(const Credentials& credentials);

}  // namespace kernel
