// SPDX-License-Identifier: MIT
// read(2), write(2), pread(2), readv(2), preadv2(2) and their counterparts, lseek(2).

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

Value count_read(Context& context, Result<size_t> moved) {
  if (!moved.ok()) return moved.error();
  ++context.task.read_calls;
  context.task.read_bytes += *moved;
  return static_cast<int64_t>(*moved);
}

Value count_written(Context& context, Result<size_t> moved) {
  if (!moved.ok()) return moved.error();
  ++context.task.write_calls;
  context.task.write_bytes += *moved;
  return static_cast<int64_t>(*moved);
}

// A place to read or write at. Error: SPipe for what has none.
Result<uint64_t> position_argument(const FileUse& file, int64_t offset) {
  if (offset < 0) return Errno::Inval;
  FileType type = file->inode().type();
  if (file->pipe() != nullptr || type == FileType::Socket || type == FileType::Anonymous)
    return Errno::SPipe;
  return static_cast<uint64_t>(offset);
}

// The vectors are looked at before the file's rights, the flags only when there is something to
// move: Linux's order.
Value read_vectors(Context& context, Fd fd, UserAddr vectors, uint64_t count,
                   std::optional<int64_t> offset, uint32_t flags = 0) {
  FileUse file = TRY(use_file(context, fd));
  if (offset) TRY(position_argument(file, *offset));
  IoBuffer buffer = TRY(user_vectors(vectors, count));
  if (!file->readable()) return Errno::BadF;
  if (buffer.remaining() == 0) return 0;
  if ((flags & ~file->read_flags()) != 0) return Errno::OpNotSupp;
  buffer.set_manner({.no_wait = (flags & kTransferNoWait) != 0});
  if (!offset) return count_read(context, vfs::read(file, buffer));
  return count_read(context, vfs::read(*file, buffer, static_cast<uint64_t>(*offset)));
}

Value write_vectors(Context& context, Fd fd, UserAddr vectors, uint64_t count,
                    std::optional<int64_t> offset, uint32_t flags = 0) {
  FileUse file = TRY(use_file(context, fd));
  if (offset) TRY(position_argument(file, *offset));
  IoBuffer buffer = TRY(user_vectors(vectors, count));
  if (!file->writable()) return Errno::BadF;
  if (buffer.remaining() == 0) return 0;  // write(2) of nothing reaches the file; this does not
  if ((flags & ~file->write_flags()) != 0) return Errno::OpNotSupp;
  buffer.set_manner({.no_wait = (flags & kTransferNoWait) != 0,
                     .append = (flags & kTransferAppend) != 0 && file->is_seekable()});
  int64_t written = TRY(count_written(
      context, offset ? vfs::write(*file, buffer, static_cast<uint64_t>(*offset))
                      : vfs::write(file, buffer)));
  if ((flags & (kTransferDsync | kTransferSync)) != 0 && file->is_seekable())
    TRY(file->synchronise((flags & kTransferSync) == 0));
  return written;
}

}  // namespace

Value sys_read(Context& context, Fd fd, UserAddr start, size_t size) {
  FileUse file = TRY(use_file(context, fd));
  if (!file->readable()) return Errno::BadF;
  if (!is_user_range(start, size)) return Errno::Fault;
  IoBuffer buffer = user_buffer(start, size);
  return count_read(context, vfs::read(file, buffer));
}

Value sys_write(Context& context, Fd fd, UserAddr start, size_t size) {
  FileUse file = TRY(use_file(context, fd));
  if (!file->writable()) return Errno::BadF;
  if (!is_user_range(start, size)) return Errno::Fault;
  IoBuffer buffer = user_buffer(start, size);
  return count_written(context, vfs::write(file, buffer));
}

Value sys_pread64(Context& context, Fd fd, UserAddr start, size_t size, int64_t offset) {
  if (offset < 0) return Errno::Inval;
  FileUse file = TRY(use_file(context, fd));
  uint64_t place = TRY(position_argument(file, offset));
  if (!file->readable()) return Errno::BadF;
  if (!is_user_range(start, size)) return Errno::Fault;
  IoBuffer buffer = user_buffer(start, size);
  return count_read(context, vfs::read(*file, buffer, place));
}

Value sys_pwrite64(Context& context, Fd fd, UserAddr start, size_t size, int64_t offset) {
  if (offset < 0) return Errno::Inval;
  FileUse file = TRY(use_file(context, fd));
  uint64_t place = TRY(position_argument(file, offset));
  if (!file->writable()) return Errno::BadF;
  if (!is_user_range(start, size)) return Errno::Fault;
  IoBuffer buffer = user_buffer(start, size);
  return count_written(context, vfs::write(*file, buffer, place));
}

Value sys_readv(Context& context, Fd fd, UserAddr vectors, uint64_t count) {
  return read_vectors(context, fd, vectors, count, {});
}

Value sys_writev(Context& context, Fd fd, UserAddr vectors, uint64_t count) {
  return write_vectors(context, fd, vectors, count, {});
}

Value sys_preadv(Context& context, Fd fd, UserAddr vectors, uint64_t count, int64_t offset) {
  if (offset < 0) return Errno::Inval;
  return read_vectors(context, fd, vectors, count, offset);
}

Value sys_pwritev(Context& context, Fd fd, UserAddr vectors, uint64_t count, int64_t offset) {
  if (offset < 0) return Errno::Inval;
  return write_vectors(context, fd, vectors, count, offset);
}

// An offset of -1 stands for the file's position.
Value sys_preadv2(Context& context, Fd fd, UserAddr vectors, uint64_t count, int64_t offset,
                  uint64_t, Flags32 flags) {
  if (offset < -1) return Errno::Inval;
  return read_vectors(context, fd, vectors, count,
                      offset == -1 ? std::nullopt : std::optional(offset), flags.bits());
}

Value sys_pwritev2(Context& context, Fd fd, UserAddr vectors, uint64_t count, int64_t offset,
                   uint64_t, Flags32 flags) {
  if (offset < -1) return Errno::Inval;
  return write_vectors(context, fd, vectors, count,
                       offset == -1 ? std::nullopt : std::optional(offset), flags.bits());
}

Value sys_lseek(Context& context, Fd fd, int64_t offset, uint32_t whence) {
  FileUse file = TRY(use_file(context, fd));
  if (whence > static_cast<uint32_t>(Whence::Hole)) return Errno::Inval;
  PositionGuard guard(*file);
  return static_cast<int64_t>(TRY(file->seek(offset, static_cast<Whence>(whence))));
}

}  // namespace kernel::syscall
