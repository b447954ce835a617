// SPDX-License-Identifier: MIT
// fcntl(2): descriptor and status flags, owners, pipe sizes, seals. Locks: file_locks.cc.

#include "fs/event/directory_notify.h"
#include "fs/event/memfd.h"
#include "fs/pipe/pipe.h"
#include "syscall/declarations.h"
#include "syscall/fcntl_locks.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

constexpr uint32_t kDupFd = 0, kGetFd = 1, kSetFd = 2, kGetFl = 3, kSetFl = 4, kGetLk = 5,
                   kSetLk = 6, kSetLkW = 7, kSetOwn = 8, kGetOwn = 9, kSetSig = 10, kGetSig = 11,
                   kSetOwnEx = 15, kGetOwnEx = 16, kOfdGetLk = 36, kOfdSetLk = 37, kOfdSetLkW = 38,
                   kGetLease = 1025, kNotify = 1026, kDupFdCloExec = 1030, kSetPipeSize = 1031,
                   kGetPipeSize = 1032, kAddSeals = 1033, kGetSeals = 1034;
constexpr uint64_t kCloseOnExec = 1;

Value duplicate(Context& context, Fd fd, uint64_t from, bool close_on_exec) {
  Ref<File> file = TRY(files_of(context).get(fd, true));
  uint64_t limit = open_files_limit(context);
  if (from >= limit) return Errno::Inval;
  return int64_t{
      TRY(files_of(context).install(std::move(file), close_on_exec, limit, static_cast<Fd>(from)))};
}

Value set_status_flags(File& file, Fd fd, uint32_t wanted) {
  constexpr uint32_t kSettable = kOpenAppend | kOpenNonBlock | kOpenDirect | kOpenNoAtime;
  if ((wanted & kOpenNoAtime) != 0 && (file.flags() & kOpenNoAtime) == 0) {
    const Credentials& credentials = current_task().credentials();
    if (credentials.fsuid != file.inode().uid() && !credentials.has(Capability::Fowner))
      return Errno::Perm;
  }
  bool has_direct = file.pipe() != nullptr || file.takes_direct();
  if ((wanted & kOpenDirect) != 0 && !has_direct) return Errno::Inval;
  if (file.can_be_async()) TRY(file.set_async(fd, (wanted & kOpenAsync) != 0));
  file.change_flags(kSettable, wanted & kSettable);
  return 0;
}

Value set_owner(File& file, FileOwner::Kind kind, PidNumber number) {
  Optional<Ref<Pid>> pid;
  if (number != 0) {
    pid = Pid::find(number);
    if (!pid) return Errno::Srch;
  }
  file.owner.set(std::move(pid), kind);
  return 0;
}

Value set_owner_ex(File& file, UserAddr address) {
  abi::OwnerEx owner = TRY(UserIn<abi::OwnerEx>(address).read());
  if (owner.type < 0 || owner.type > static_cast<int32_t>(FileOwner::Kind::Group))
    return Errno::Inval;
  return set_owner(file, static_cast<FileOwner::Kind>(owner.type), owner.pid);
}

Value get_owner_ex(File& file, UserAddr address) {
  FileOwner::Shown shown = file.owner.get();
  TRY(UserOut<abi::OwnerEx>(address).write({static_cast<int32_t>(shown.kind), shown.number}));
  return 0;
}

Value pipe_size(File& file, uint32_t command, uint64_t argument) {
  Pipe* pipe = file.pipe();
  if (pipe == nullptr) return Errno::BadF;
  if (command == kGetPipeSize) return static_cast<int64_t>(pipe->capacity());
  return static_cast<int64_t>(TRY(pipe->set_capacity(argument)));
}

bool allowed_on_place(uint32_t command) {
  return command == kDupFd || command == kDupFdCloExec || command == kGetFd || command == kSetFd ||
         command == kGetFl;
}

}  // namespace

Value sys_fcntl(Context& context, Fd fd, uint32_t command, uint64_t argument) {
  FileUse file = TRY(allowed_on_place(command) ? use_place(context, fd) : use_file(context, fd));
  switch (command) {
    case kDupFd: return duplicate(context, fd, static_cast<uint32_t>(argument), false);
    case kDupFdCloExec: return duplicate(context, fd, static_cast<uint32_t>(argument), true);
    case kGetFd: return int64_t{TRY(files_of(context).close_on_exec_flag(fd))};
    case kSetFd:
      TRY(files_of(context).set_close_on_exec(fd, (argument & kCloseOnExec) != 0));
      return 0;
    case kGetFl: return int64_t{file->flags()};
    case kSetFl: return set_status_flags(*file, fd, static_cast<uint32_t>(argument));
    case kGetLk:
    case kOfdGetLk:
      return get_record_lock(context, *file, UserAddr{argument}, command == kOfdGetLk);
    case kSetLk:
    case kSetLkW:
      return set_record_lock(context, *file, UserAddr{argument}, false, command == kSetLkW);
    case kOfdSetLk:
    case kOfdSetLkW:
      return set_record_lock(context, *file, UserAddr{argument}, true, command == kOfdSetLkW);
    case kSetOwn: {
      auto pid = static_cast<int32_t>(argument);
      if (pid == INT32_MIN) return Errno::Inval;
      return pid < 0 ? set_owner(*file, FileOwner::Kind::Group, -pid)
                     : set_owner(*file, FileOwner::Kind::Process, pid);
    }
    case kGetOwn: {
      FileOwner::Shown shown = file->owner.get();
      return shown.kind == FileOwner::Kind::Group ? -int64_t{shown.number} : int64_t{shown.number};
    }
    case kSetOwnEx: return set_owner_ex(*file, UserAddr{argument});
    case kGetOwnEx: return get_owner_ex(*file, UserAddr{argument});
    case kSetSig:
      if (argument > kSignalCount) return Errno::Inval;
      file->owner.set_signal(static_cast<uint8_t>(argument));
      return 0;
    case kGetSig: return int64_t{file->owner.signal()};
    case kGetLease: return 2;  // F_UNLCK: nobody has one
    case kNotify:
      TRY(directory_notify::ask(files_of(context), fd, *file, static_cast<uint32_t>(argument)));
      return 0;
    case kSetPipeSize:
    case kGetPipeSize: return pipe_size(*file, command, argument);
    case kAddSeals: TRY(memfd::add_seals(*file, static_cast<uint32_t>(argument))); return 0;
    case kGetSeals: return int64_t{TRY(memfd::seals(*file))};
    default: return Errno::Inval;
  }
}

}  // namespace kernel::syscall
