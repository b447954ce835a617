// SPDX-License-Identifier: MIT
// What counts against a real user id's limits: RLIMIT_NPROC, RLIMIT_SIGPENDING, RLIMIT_MEMLOCK
// (getrlimit(2)). One object per user id that somebody has; credentials hold it.
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/ref.h"
#include "lib/types.h"

namespace kernel {

class UserAccount final : public RefCounted<UserAccount>, public ListNode<UserAccount> {
 public:
  // The account of a user id, made when it is the first. May not be called under a spin lock.
  static Result<Ref<UserAccount>> of(uint32_t uid);

  uint32_t uid() const { return uid_; }

  Atomic<uint64_t> processes;        // tasks, threads included
  Atomic<uint64_t> pending_signals;
  Atomic<uint64_t> locked_pages;
  Atomic<uint64_t> locked_shared_pages;  // SHM_LOCK
  Atomic<uint64_t> message_queue_bytes;  // POSIX message queues
  Atomic<uint64_t> files_in_flight;  // in messages of AF_UNIX sockets
  Atomic<uint64_t> epoll_watches;
  Atomic<uint64_t> inotify_instances;
  Atomic<uint64_t> inotify_watches;

  static void last_unref(UserAccount* account);

 private:
  explicit UserAccount(uint32_t uid) : uid_(uid) {}
  template <class T, class... Arguments>
  friend Result<Ref<T>> make_ref(Arguments&&... arguments);
  const uint32_t uid_;
};

}  // namespace kernel
