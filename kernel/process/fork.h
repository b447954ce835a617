// SPDX-License-Identifier: MIT
// clone(2), clone3(2), fork, vfork: a new task from the running one.
#pragma once

#include <optional>

#include "arch/trap_frame.h"
#include "task/task.h"

namespace kernel {

enum CloneFlags : uint64_t {
  kCloneNewTime = 0x80,
  kCloneVm = 0x100,
  kCloneFs = 0x200,
  kCloneFiles = 0x400,
  kCloneSigHand = 0x800,
  kClonePidFd = 0x1000,
  kClonePtrace = 0x2000,
  kCloneVfork = 0x4000,
  kCloneParent = 0x8000,
  kCloneThread = 0x10000,
  kCloneNewNs = 0x20000,
  kCloneSysVSem = 0x40000,
  kCloneSetTls = 0x80000,
  kCloneParentSetTid = 0x100000,
  kCloneChildClearTid = 0x200000,
  kCloneDetached = 0x400000,
  kCloneUntraced = 0x800000,
  kCloneChildSetTid = 0x1000000,
  kCloneNewCgroup = 0x2000000,
  kCloneNewUts = 0x4000000,
  kCloneNewIpc = 0x8000000,
  kCloneNewUser = 0x10000000,
  kCloneNewPid = 0x20000000,
  kCloneNewNet = 0x40000000,
  kCloneIo = 0x80000000,
  kCloneClearSigHand = 0x1'0000'0000,
  kCloneIntoCgroup = 0x2'0000'0000,
};
inline constexpr uint64_t kCloneNamespaces = kCloneNewNs | kCloneNewCgroup | kCloneNewUts |
                                             kCloneNewIpc | kCloneNewUser | kCloneNewPid |
                                             kCloneNewNet;
inline constexpr uint64_t kCloneSignalMask = 0xff;

struct CloneRequest {
  uint64_t flags = 0;
  uint8_t exit_signal = 0;       // any low byte, as clone(2) takes it
  UserAddr stack_pointer{};      // null: the parent's
  uint64_t thread_pointer = 0;
  UserAddr parent_tid{};
  UserAddr child_tid{};
  UserAddr pidfd{};
  std::optional<PidNumber> set_tid;
};

// Returns the child's tid to the parent; the child starts in user mode with 0.
Result<PidNumber> clone_task(Task& parent, arch::TrapFrame& frame, const CloneRequest& request);

}  // namespace kernel
