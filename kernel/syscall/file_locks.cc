// SPDX-License-Identifier: MIT
// fcntl_locking(2) and flock(2): from Linux's struct flock to ranges and back.

#include "fs/vfs/file_locks.h"

#include "syscall/declarations.h"
#include "syscall/fcntl_locks.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

using Type = FileLocks::Type;
constexpr int16_t kReadLock = 0, kWriteLock = 1, kUnlock = 2;
constexpr uint64_t kEnd = ~uint64_t{0} >> 1;

Result<int64_t> base_of(File& file, int16_t whence) {
  switch (static_cast<Whence>(whence)) {
    case Whence::Set: return int64_t{0};
    case Whence::Current: {
      PositionGuard guard(file);
      return static_cast<int64_t>(file.position);
    }
    case Whence::End: return static_cast<int64_t>(file.inode().size());
    default: return Errno::Inval;
  }
}

Result<Type> type_of(int16_t type) {
  switch (type) {
    case kReadLock: return Type::Read;
    case kWriteLock: return Type::Write;
    case kUnlock: return Type::Unlock;
    default: return Errno::Inval;
  }
}

// A negative length reaches back from the start; none reaches to the end of all files.
Result<FileLocks::Request> parse(Context& context, File& file, const abi::Flock& lock,
                                 bool open_file) {
  FileLocks::Request request;
  int64_t start;
  if (__builtin_add_overflow(TRY(base_of(file, lock.whence)), lock.start, &start))
    return Errno::Overflow;
  if (start < 0) return Errno::Inval;
  int64_t end = static_cast<int64_t>(kEnd);
  if (lock.length > 0) {
    if (__builtin_add_overflow(start, lock.length - 1, &end)) return Errno::Overflow;
  } else if (lock.length < 0) {
    if (start + lock.length < 0) return Errno::Inval;
    end = start - 1;
    start += lock.length;
  }
  request.type = TRY(type_of(lock.type));
  request.start = static_cast<uint64_t>(start);
  request.end = static_cast<uint64_t>(end);
  if (open_file && lock.pid != 0) return Errno::Inval;
  request.kind = open_file ? FileLocks::Kind::OpenFile : FileLocks::Kind::Posix;
  request.owner = open_file ? static_cast<const void*>(&file) : context.task.files;
  request.pid = open_file ? -1 : context.task.group().pid();
  return request;
}

}  // namespace

Value get_record_lock(Context& context, File& file, UserAddr address, bool open_file) {
  abi::Flock lock = TRY(UserIn<abi::Flock>(address).read());
  if (lock.type != kReadLock && lock.type != kWriteLock) return Errno::Inval;
  FileLocks::Request request = TRY(parse(context, file, lock, open_file));
  FileLocks* locks = TRY(FileLocks::of(file.inode()));
  std::optional<FileLocks::Request> obstacle = locks->conflict(request);
  if (!obstacle) {
    lock.type = kUnlock;
  } else {
    lock.type = obstacle->type == Type::Read ? kReadLock : kWriteLock;
    lock.whence = 0;
    lock.start = static_cast<int64_t>(obstacle->start);
    lock.length =
        obstacle->end == kEnd ? 0 : static_cast<int64_t>(obstacle->end - obstacle->start + 1);
    lock.pid = obstacle->pid;
  }
  TRY(UserOut<abi::Flock>(address).write(lock));
  return 0;
}

Value set_record_lock(Context& context, File& file, UserAddr address, bool open_file, bool wait) {
  abi::Flock lock = TRY(UserIn<abi::Flock>(address).read());
  FileLocks::Request request = TRY(parse(context, file, lock, open_file));
  if (request.type == Type::Read && !file.readable()) return Errno::BadF;
  if (request.type == Type::Write && !file.writable()) return Errno::BadF;
  if (request.type == Type::Unlock && file.inode().locks.load_acquire() == nullptr) return 0;
  FileLocks* locks = TRY(FileLocks::of(file.inode()));
  TRY(locks->set(request, wait));
  return 0;
}

Value sys_flock(Context& context, Fd fd, uint32_t operation) {
  constexpr uint32_t kShared = 1, kExclusive = 2, kNonBlocking = 4, kRelease = 8, kMandatory = 32;
  if ((operation & kMandatory) != 0) return 0;  // share modes are gone, and asking is no error
  FileUse file = TRY(use_file(context, fd));
  FileLocks::Request request;
  switch (operation & ~kNonBlocking) {
    case kShared: request.type = Type::Read; break;
    case kExclusive: request.type = Type::Write; break;
    case kRelease: request.type = Type::Unlock; break;
    default: return Errno::Inval;
  }
  bool bytes = file->inode().super_block().flock_locks_bytes();
  request.kind = bytes ? FileLocks::Kind::OpenFile : FileLocks::Kind::Flock;
  request.owner = file.get();
  request.pid = context.task.group().pid();
  FileLocks* locks = TRY(FileLocks::of(file->inode()));
  TRY(locks->set(request, (operation & kNonBlocking) == 0));
  return 0;
}

}  // namespace kernel::syscall
