// SPDX-License-Identifier: MIT
// Open files on their way in messages (SCM_RIGHTS, unix(7)), and the garbage collector for those
// that nobody can ever receive.
//
// A socket whose every reference lies in queues is reachable only when one of these queues is that
// of a socket that a process has, or that is reachable itself. Others hold each other for ever: a
// cycle. The collector finds them as Linux's first one does: it counts, for each such socket, the
// references that lie in queues of sockets of the same sort; one that has more is reachable, and so
// is all that lies in its queue. The messages of the rest are taken out and dropped.
#pragma once

#include "lib/ref.h"
#include "net/socket/message.h"
#include "task/user_account.h"

namespace kernel {

class UnixSocket;

class FilesInFlight {
 public:
  static constexpr size_t kMost = 253;  // SCM_MAX_FD

  // Errors: TooManyRefs, the user has more in flight than files may be open; NoMem.
  static Result<Owned<FilesInFlight>> create(Vector<Ref<File>> files);
  ~FilesInFlight();

  size_t count() const { return files_.size(); }
  // Landed: they belong to the caller, and no longer count. Nothing when somebody was faster.
  Vector<Ref<File>> take();
  // For MSG_PEEK: the same files once more.
  Result<Vector<Ref<File>>> copy() const;

  // For the collector: each file that is an AF_UNIX socket.
  template <class Visit>
  void for_each_socket(Visit visit) const;

 private:
  template <class T, class... Arguments>
  friend Result<Owned<T>> make_owned(Arguments&&... arguments);
  FilesInFlight(Vector<Ref<File>> files, Ref<UserAccount> account);

  Vector<Ref<File>> files_;
  Ref<UserAccount> account_;
};

// What the control data of sendmsg(2) says, checked.
struct SentControl {
  Optional<Owned<FilesInFlight>> files;
  std::optional<SenderCredentials> credentials;
  // Errors: Inval, BadF, Perm, Srch, TooManyRefs, NoMem.
  static Result<SentControl> parse(std::span<const char> control);
};

namespace unix_collector {
// Something was closed that may have been the last to reach a cycle. Finds it now, or, where many
// sockets are in flight, soon. Cheap when none is.
void look();
}  // namespace unix_collector

}  // namespace kernel
