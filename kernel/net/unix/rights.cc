// SPDX-License-Identifier: MIT
// Control data of sendmsg(2) on AF_UNIX sockets: SCM_RIGHTS and SCM_CREDENTIALS, with Linux's
// checks in Linux's order.

#include "net/unix/rights.h"

#include "fs/vfs/fd_table.h"
#include "fs/vfs/identity.h"
#include "net/socket/control.h"

namespace kernel {
namespace {

Result<> add_files(Vector<Ref<File>>& files, std::span<const char> data) {
  size_t count = data.size() / sizeof(Fd);
  if (count > FilesInFlight::kMost || files.size() + count > FilesInFlight::kMost)
    return Errno::Inval;
  TRY(files.reserve(files.size() + count));
  for (size_t i = 0; i < count; ++i) {
    Fd fd;
    __builtin_memcpy(&fd, data.data() + i * sizeof fd, sizeof fd);
    files.append_reserved(TRY(current_task().files->get(fd, /*allow_path=*/true)));
  }
  return {};
}

// struct ucred. Who claims to be another needs the capability for it.
Result<SenderCredentials> claimed_credentials(std::span<const char> data) {
  SenderCredentials claimed;
  if (data.size() != sizeof claimed) return Errno::Inval;
  __builtin_memcpy(&claimed, data.data(), sizeof claimed);
  const Credentials& own = vfs::acting_credentials();
  bool own_pid = claimed.pid == current_task().group().pid();
  bool own_uid = claimed.uid == own.uid || claimed.uid == own.euid || claimed.uid == own.suid;
  bool own_gid = claimed.gid == own.gid || claimed.gid == own.egid || claimed.gid == own.sgid;
  if (claimed.uid == kNoId || claimed.gid == kNoId) return Errno::Inval;
  if (!own_pid && !own.has(Capability::SysAdmin)) return Errno::Perm;
  if (!own_uid && !own.has(Capability::Setuid)) return Errno::Perm;
  if (!own_gid && !own.has(Capability::Setgid)) return Errno::Perm;
  if (!own_pid && !Pid::find(claimed.pid)) return Errno::Srch;
  return claimed;
}

}  // namespace

Result<SentControl> SentControl::parse(std::span<const char> control) {
  SentControl result;
  Vector<Ref<File>> files;
  ControlReader reader(control);
  for (;;) {
    std::optional<ControlReader::Piece> piece = TRY(reader.next());
    if (!piece) break;
    if (piece->header.level != kLevelSocket) continue;
    switch (piece->header.type) {
      case kControlRights: TRY(add_files(files, piece->data)); break;
      case kControlCredentials: result.credentials = TRY(claimed_credentials(piece->data)); break;
      default: return Errno::Inval;
    }
  }
  if (!files.empty()) result.files = TRY(FilesInFlight::create(std::move(files)));
  return result;
}

}  // namespace kernel
