// SPDX-License-Identifier: MIT
// procfs (proc(5)): what the kernel tells of itself and of processes, as text. Above process/: it
// sees everything and nothing depends on it. All in thread context.
#pragma once

#include "fs/vfs/synthetic.h"
#include "task/task.h"

namespace kernel::procfs {

// Registers the file system type; mount(2) shows one instance. Boot, once.
Result<> init();

// --- Parts of the tree, one file each.
// /proc/PID and /proc/PID/task/TID: everything of one process or thread.
Result<Ref<Inode>> make_process_directory(SuperBlock& super_block, Ref<Pid> pid,
                                          bool whole_process);
// Files that tell of the whole system: meminfo, stat, cpuinfo…
Result<> add_system_files(StaticDirectory& root);
// /proc/sysvipc.
Result<Ref<Inode>> make_sysvipc_directory(SuperBlock& super_block);
// /proc/sys.
Result<Ref<Inode>> make_sysctl_tree(SuperBlock& super_block);

// The task that a Pid names now; empty when it has gone.
Optional<Ref<Task>> task_of(const Pid& pid);

// USER_HZ ticks, which proc(5) counts in.
inline constexpr uint64_t kTicksPerSecond = 100;
inline uint64_t ticks(uint64_t nanoseconds) {
  return nanoseconds / (kNanosPerSecond / kTicksPerSecond);
}

}  // namespace kernel::procfs
