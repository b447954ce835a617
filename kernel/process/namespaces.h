// SPDX-License-Identifier: MIT
// namespaces(7): there is one of each kind, and every process is in it. As files: what the links of
// /proc/PID/ns go to (ioctl_ns(2)), and what setns(2) takes.
#pragma once

#include "fs/vfs/file.h"
#include "process/fork.h"

namespace kernel::namespaces {

struct Namespace {
  StringView name;
  uint64_t flag;    // CLONE_NEW*
  uint64_t number;  // of its inode: Linux's
};

inline constexpr Namespace kNet{"net", kCloneNewNet, 0xf000'0000},
    kUts{"uts", kCloneNewUts, 0xefff'fffe}, kIpc{"ipc", kCloneNewIpc, 0xefff'ffff},
    kPid{"pid", kCloneNewPid, 0xefff'fffc}, kUser{"user", kCloneNewUser, 0xefff'fffd},
    kMount{"mnt", kCloneNewNs, 0xf000'0001}, kCgroup{"cgroup", kCloneNewCgroup, 0xefff'fffb},
    kTime{"time", kCloneNewTime, 0xefff'fffa};

// Where it can be opened: "net:[4026531840]".
Result<Path> place_of(const Namespace& space);
// Null: the file is none.
const Namespace* of_file(const File& file);

}  // namespace kernel::namespaces
