// SPDX-License-Identifier: MIT
// epoll(7): a set of watched files as a file. The calls are in syscall/epoll.cc, the set itself in
// epoll_set.h.
#pragma once

#include "fs/vfs/fd_table.h"

namespace kernel {

// struct epoll_event of arm64.
struct EpollEvent {
  uint32_t events;  // poll bits and kEpoll*
  uint32_t hole;
  uint64_t data;
};
static_assert(sizeof(EpollEvent) == 16);

inline constexpr uint32_t kEpollExclusive = 1u << 28, kEpollWakeUp = 1u << 29,
                          kEpollOneShot = 1u << 30, kEpollEdgeTriggered = 1u << 31;

namespace epoll {

Result<Ref<File>> create();

enum class Operation : int32_t { Add = 1, Delete = 2, Modify = 3 };
// epoll_ctl(2), whose order of errors it keeps: Perm (the target cannot be polled), Inval (not a
// set, or itself, or flags that do not go together), Loop, Exist, NoEnt, NoSpc, NoMem.
Result<> control(File& set, Operation operation, File& target, Fd fd, EpollEvent event);

// epoll_wait(2): fills whole events into the buffer. Errors: Inval (not a set), Intr, Fault.
enum class Patience : uint8_t { None, UntilDeadline };
Result<size_t> wait(File& set, IoBuffer& events, Patience patience, Deadline deadline);

// The last reference on a file has gone: no set watches it any more. Thread context.
void forget(File& file);

// fs.epoll.max_user_watches.
uint64_t max_user_watches();
void set_max_user_watches(uint64_t count);

}  // namespace epoll
}  // namespace kernel
