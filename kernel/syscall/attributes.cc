// SPDX-License-Identifier: MIT
// chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2), umask(2) and their relatives.

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

using vfs::LookupFlags;

// What utimensat(2) is asked to set.
struct Times {
  std::optional<Timestamp> access, modify;
  bool both_now = false;
  bool nothing = false;
};

Result<std::optional<Timestamp>> to_timestamp(const abi::TimeSpec& time) {
  if (time.nanoseconds == abi::kUtimeOmit) return std::optional<Timestamp>();
  if (time.nanoseconds == abi::kUtimeNow) return std::optional<Timestamp>(now());
  if (time.nanoseconds < 0 || time.nanoseconds >= static_cast<int64_t>(kNanosPerSecond))
    return Errno::Inval;
  return std::optional<Timestamp>(Timestamp{time.seconds, static_cast<uint32_t>(time.nanoseconds)});
}

Result<Times> parse_times(UserAddr address) {
  Times result;
  if (raw(address) == 0) {
    result.access = result.modify = now();
    result.both_now = true;
    return result;
  }
  abi::TimeSpec times[2];
  TRY(copy_in(times, address, sizeof times));
  result.nothing =
      times[0].nanoseconds == abi::kUtimeOmit && times[1].nanoseconds == abi::kUtimeOmit;
  result.both_now =
      times[0].nanoseconds == abi::kUtimeNow && times[1].nanoseconds == abi::kUtimeNow;
  result.access = TRY(to_timestamp(times[0]));
  result.modify = TRY(to_timestamp(times[1]));
  return result;
}

Value set_times(const Path& path, const Times& times) {
  TRY(vfs::change_times(path, times.access, times.modify, times.both_now));
  return 0;
}

}  // namespace

Value sys_fchmod(Context& context, Fd fd, uint32_t mode) {
  FileUse file = TRY(use_file(context, fd));
  TRY(vfs::change_mode(file->path(), static_cast<uint16_t>(mode & kModeMask)));
  return 0;
}

Value sys_fchmodat(Context& context, Fd directory, UserString path, uint32_t mode) {
  At at;
  TRY(at.load(context, directory, path));
  TRY(vfs::change_mode(TRY(at.lookup(LookupFlags::Follow)),
                       static_cast<uint16_t>(mode & kModeMask)));
  return 0;
}

Value sys_fchownat(Context& context, Fd directory, UserString path, uint32_t uid, uint32_t gid,
                   Flags32 flags) {
  if (!flags.only(abi::kAtSymlinkNoFollow | abi::kAtEmptyPath)) return Errno::Inval;
  At at;
  TRY(at.load(context, directory, path,
              flags.has(abi::kAtEmptyPath) ? At::Empty::Allowed : At::Empty::Refused));
  LookupFlags lookup = flags.has(abi::kAtSymlinkNoFollow) ? LookupFlags::None : LookupFlags::Follow;
  TRY(vfs::change_owner(TRY(at.lookup(lookup | LookupFlags::EmptyPath)), uid, gid));
  return 0;
}

Value sys_fchown(Context& context, Fd fd, uint32_t uid, uint32_t gid) {
  FileUse file = TRY(use_file(context, fd));
  TRY(vfs::change_owner(file->path(), uid, gid));
  return 0;
}

Value sys_utimensat(Context& context, Fd directory, UserString path, UserAddr address,
                    Flags32 flags) {
  Times times = TRY(parse_times(address));
  if (times.nothing) return 0;  // not even the name is looked at
  if (path.is_null()) {         // the descriptor itself: futimens(3)
    if (directory == abi::kAtFdCwd) return Errno::Fault;
    if (flags.bits() != 0) return Errno::Inval;
    FileUse file = TRY(use_file(context, directory));
    return set_times(file->path(), times);
  }
  if (!flags.only(abi::kAtSymlinkNoFollow | abi::kAtEmptyPath)) return Errno::Inval;
  At at;
  TRY(at.load(context, directory, path,
              flags.has(abi::kAtEmptyPath) ? At::Empty::Allowed : At::Empty::Refused));
  LookupFlags lookup = flags.has(abi::kAtSymlinkNoFollow) ? LookupFlags::None : LookupFlags::Follow;
  return set_times(TRY(at.lookup(lookup | LookupFlags::EmptyPath)), times);
}

Value sys_truncate(Context& context, UserString path, int64_t size) {
  if (size < 0) return Errno::Inval;
  At at;
  TRY(at.load(context, abi::kAtFdCwd, path));
  TRY(vfs::truncate(TRY(at.lookup(LookupFlags::Follow)), static_cast<uint64_t>(size)));
  return 0;
}

Value sys_ftruncate(Context& context, Fd fd, int64_t size) {
  if (size < 0) return Errno::Inval;
  FileUse file = TRY(use_file(context, fd));
  TRY(vfs::truncate(*file, static_cast<uint64_t>(size)));
  return 0;
}

Value sys_fallocate(Context& context, Fd fd, uint32_t mode, int64_t start, int64_t length) {
  FileUse file = TRY(use_file(context, fd));
  if (start < 0 || length <= 0) return Errno::Inval;
  TRY(vfs::allocate(*file, mode, static_cast<uint64_t>(start), static_cast<uint64_t>(length)));
  return 0;
}

Value sys_umask(Context& context, uint32_t mask) {
  return int64_t{context.task.fs_context->set_umask(static_cast<uint16_t>(mask & 0777))};
}

}  // namespace kernel::syscall
