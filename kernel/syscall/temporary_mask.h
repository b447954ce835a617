// SPDX-License-Identifier: MIT
// The signal mask that ppoll(2), pselect(2) and epoll_pwait(2) take for as long as they wait.
#pragma once

#include "syscall/context.h"
#include "task/signal_post.h"

namespace kernel::syscall {

// The signal mask for the length of the call. When a signal ends the call, its handler still runs
// under this mask, and the return to user mode puts the old one back.
class TemporaryMask : public Pinned {
 public:
  explicit TemporaryMask(Task& task) : task_(task) {}
  Result<> load(UserIn<uint64_t> address, size_t size) {
    if (address.is_null()) return {};
    if (size != sizeof(uint64_t)) return Errno::Inval;
    SignalSet wanted(TRY(address.read()));
    task_.saved_blocked = task_.blocked;
    set_blocked(task_, wanted & ~kUnblockable);
    active_ = true;
    return {};
  }
  void finish(bool interrupted) {
    if (!std::exchange(active_, false)) return;
    if (interrupted) {
      task_.restore_blocked = true;
    } else {
      set_blocked(task_, task_.saved_blocked);
    }
  }
  ~TemporaryMask() { finish(false); }

 private:
  Task& task_;
  bool active_ = false;
};

}  // namespace kernel::syscall
