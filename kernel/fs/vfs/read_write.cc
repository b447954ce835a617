// SPDX-License-Identifier: MIT
// read(2) and write(2) on any open file: rights, position, append. The transfer is the file's own.

#include "fs/vfs/mount.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/vfs.h"

namespace kernel::vfs {
namespace {

// Offsets are signed in the ABI: the end of a transfer must be one.
Result<> check_end(const IoBuffer& buffer, uint64_t offset) {
  return offset + buffer.remaining() > kMaxFileSize ? Result<>(Errno::Inval) : Result<>();
}

// Behind the transfer.
Result<size_t> note_read(const File& file, Result<size_t> moved) {
  if (moved.ok() && *moved != 0) notify::file(file, notify::kAccess);
  return moved;
}
Result<size_t> note_written(const File& file, Result<size_t> moved) {
  if (moved.ok() && *moved != 0) notify::file(file, notify::kModify);
  return moved;
}

// SAFETY: of the two below: the caller holds position_lock, or is the file's only user.
Result<size_t> read_at_position(File& file, IoBuffer& buffer) NO_THREAD_SAFETY_ANALYSIS {
  TRY(check_end(buffer, file.position));
  size_t moved = TRY(file.read(buffer, file.position));
  file.position += moved;
  return moved;
}

Result<size_t> write_at_position(File& file, IoBuffer& buffer) NO_THREAD_SAFETY_ANALYSIS {
  TRY(check_end(buffer, file.position));
  size_t moved = TRY(file.write(buffer, file.position));
  // With O_APPEND the file chose the place, and it was the end.
  bool appended =
      ((file.flags() & kOpenAppend) != 0 || buffer.manner().append) && moved != 0;
  file.position = appended ? file.inode().size() : file.position + moved;
  return moved;
}

[[gnu::always_inline]] inline Result<size_t> transfer_in(File& file, IoBuffer& buffer,
                                                         std::optional<uint64_t> offset) {
  if (!file.readable()) return Errno::BadF;
  if (offset.has_value()) {
    TRY(check_end(buffer, *offset));
    return file.read(buffer, *offset);
  }
  if (!file.is_seekable()) return file.read(buffer, 0);
  PositionGuard guard(file);
  return read_at_position(file, buffer);
}

// Of its own, so that the way without it needs no frame.
[[gnu::noinline]] Result<size_t> read_noticed(File& file, IoBuffer& buffer,
                                              std::optional<uint64_t> offset) {
  return note_read(file, transfer_in(file, buffer, offset));
}

}  // namespace

Result<size_t> read_unnoticed(File& file, IoBuffer& buffer, std::optional<uint64_t> offset) {
  return transfer_in(file, buffer, offset);
}

// What does not wait for data is not noted while nobody watches: the hook costs one load there.
Result<size_t> read(File& file, IoBuffer& buffer, std::optional<uint64_t> offset) {
  if (offset.has_value() && !notify::anybody()) return read_unnoticed(file, buffer, offset);
  return read_noticed(file, buffer, offset);
}

Result<size_t> write(File& file, IoBuffer& buffer, std::optional<uint64_t> offset) {
  if (!file.writable()) return Errno::BadF;
  if (offset.has_value()) {
    TRY(check_end(buffer, *offset));
    if (!notify::anybody()) return file.write(buffer, *offset);
    return note_written(file, file.write(buffer, *offset));
  }
  if (!file.is_seekable()) return note_written(file, file.write(buffer, 0));
  PositionGuard guard(file);
  return note_written(file, write_at_position(file, buffer));
}

Result<size_t> read(const FileUse& file, IoBuffer& buffer) {
  if (!file->readable()) return Errno::BadF;
  if (!file->is_seekable()) return note_read(*file, file->read(buffer, 0));
  if (!file.is_only_user()) return read(*file, buffer, {});
  return note_read(*file, read_at_position(*file, buffer));
}

Result<size_t> write(const FileUse& file, IoBuffer& buffer) {
  if (!file->writable()) return Errno::BadF;
  if (!file->is_seekable()) return note_written(*file, file->write(buffer, 0));
  if (!file.is_only_user()) return write(*file, buffer, {});
  return note_written(*file, write_at_position(*file, buffer));
}

Result<size_t> read_kernel(File& file, void* to, size_t size, uint64_t offset) {
  IoBuffer buffer = IoBuffer::kernel(to, size);
  return note_read(file, file.read(buffer, offset));
}

}  // namespace kernel::vfs
