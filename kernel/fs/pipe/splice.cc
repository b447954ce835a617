// SPDX-License-Identifier: MIT
// See splice.h. A page that was taken from a pipe and could not be written goes back to its front.

#include "fs/pipe/splice.h"

#include "fs/pipe/pipe.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/vfs.h"

namespace kernel::splice {
namespace {

constexpr size_t kMost = 0x7fff'f000;  // MAX_RW_COUNT

std::optional<uint64_t> at(const uint64_t* offset) {
  return offset == nullptr ? std::nullopt : std::optional<uint64_t>(*offset);
}
void advance(uint64_t* offset, size_t moved) {
  if (offset != nullptr) *offset += moved;
}

bool wants_no_wait(const File& file, uint32_t flags) {
  return file.nonblocking() || (flags & kNonBlock) != 0;
}

// What a transfer says to those who want SIGIO.
Result<size_t> taken_from(Pipe& pipe, Result<size_t> moved) {
  if (moved.ok() && *moved != 0) pipe.async_writers.notify(FileEvent::Out);
  return moved;
}
Result<size_t> put_into(Pipe& pipe, Result<size_t> moved) {
  if (moved.ok() && *moved != 0) pipe.async_readers.notify(FileEvent::In);
  return moved;
}

// `moved` so far counts more than an error behind it.
Result<size_t> outcome(size_t moved, Result<> result) {
  if (moved != 0 || result.ok()) return moved;
  return result.error();
}

Result<size_t> pipe_to_pipe(Pipe& in, Pipe& out, size_t size, bool in_nonblocking,
                            bool out_nonblocking) {
  size_t total = 0;
  while (total < size) {
    Result<std::optional<Pipe::Slot>> slot = in.pop(size - total, in_nonblocking || total != 0);
    if (!slot.ok()) return outcome(total, slot.error());
    if (!slot->has_value()) break;
    size_t count = (*slot)->size();
    Pipe::Slot kept = (*slot)->share(static_cast<uint32_t>(count));
    Result<> pushed = out.push(std::move(**slot), out_nonblocking || total != 0);
    if (!pushed.ok()) {
      in.push_front(std::move(kept));
      return outcome(total, pushed);
    }
    total += count;
  }
  return total;
}

Result<size_t> pipe_to_file(Pipe& in, File& out, uint64_t* offset, size_t size, bool nonblocking) {
  size_t total = 0;
  while (total < size) {
    Result<std::optional<Pipe::Slot>> slot = in.pop(size - total, nonblocking || total != 0);
    if (!slot.ok()) return outcome(total, slot.error());
    if (!slot->has_value()) break;
    Pipe::Slot& piece = **slot;
    IoBuffer buffer = IoBuffer::kernel(static_cast<const void*>(piece.data()), piece.size());
    Result<size_t> written = vfs::write(out, buffer, at(offset));
    size_t moved = written.ok() ? *written : 0;
    advance(offset, moved);
    total += moved;
    piece.consume(static_cast<uint32_t>(moved));
    if (piece.size() != 0) {
      in.push_front(std::move(piece));
      if (moved != 0) continue;  // the next attempt tells why there was no more room
      return outcome(total, written.ok() ? Result<>() : Result<>(written.error()));
    }
  }
  return total;
}

Result<size_t> file_to_pipe(File& in, uint64_t* offset, Pipe& out, size_t size, bool nonblocking) {
  size_t total = 0;
  while (total < size) {
    Result<Pipe::Slot> made = Pipe::Slot::create();
    if (!made.ok()) return outcome(total, made.error());
    Pipe::Slot slot = std::move(made).take();
    size_t wanted = size - total < kPageSize ? size - total : kPageSize;
    // Room first: what was read from a stream cannot be put back.
    if ((out.writer_events() & (kPollOut | kPollErr)) == 0 && (nonblocking || total != 0)) {
      return outcome(total, Errno::Again);
    }
    IoBuffer buffer = IoBuffer::kernel(slot.data(), wanted);
    // SPLICE_F_NONBLOCK is about the pipe, but sockets obey as well.
    bool is_socket = in.inode().type() == FileType::Socket;
    buffer.set_manner({.no_wait = is_socket && (nonblocking || total != 0)});
    Result<size_t> got = vfs::read_unnoticed(in, buffer, at(offset));
    if (!got.ok()) return outcome(total, got.error());
    if (*got == 0) break;
    slot.append(static_cast<uint32_t>(*got));
    Result<> pushed = out.push(std::move(slot), false);
    if (!pushed.ok()) return outcome(total, pushed);
    advance(offset, *got);
    total += *got;
    if (*got < wanted) break;
  }
  return total;
}

// Through one page of the kernel's.
Result<size_t> file_to_file(File& in, uint64_t* in_offset, File& out, uint64_t* out_offset,
                            size_t size) {
  Pipe::Slot page = TRY(Pipe::Slot::create());
  size_t total = 0;
  while (total < size) {
    size_t wanted = size - total < kPageSize ? size - total : kPageSize;
    uint64_t start;
    if (in_offset != nullptr) {
      start = *in_offset;
    } else {
      PositionGuard guard(in);
      start = in.position;
    }
    IoBuffer from = IoBuffer::kernel(page.data(), wanted);
    // Read at a place, so that what could not be written is read again.
    Result<size_t> got = vfs::read_unnoticed(
        in, from, in.is_seekable() ? std::optional<uint64_t>(start) : std::nullopt);
    if (!got.ok()) return outcome(total, got.error());
    if (*got == 0) break;
    IoBuffer to = IoBuffer::kernel(static_cast<const void*>(page.data()), *got);
    Result<size_t> put = vfs::write(out, to, at(out_offset));
    size_t moved = put.ok() ? *put : 0;
    advance(out_offset, moved);
    if (in_offset != nullptr) {
      *in_offset += moved;
    } else if (in.is_seekable()) {
      PositionGuard guard(in);
      in.position = start + moved;
    }
    total += moved;
    if (!put.ok()) return outcome(total, put.error());
    if (moved < *got) break;
  }
  return total;
}

// What Linux tells inotify at the end of sendfile(2) and copy_file_range(2).
Result<size_t> note_copied(const File& in, const File& out, Result<size_t> moved) {
  if (!moved.ok() || *moved == 0) return moved;
  notify::file(in, notify::kAccess);
  notify::file(out, notify::kModify);
  return moved;
}

}  // namespace

Result<size_t> splice(File& in, uint64_t* in_offset, File& out, uint64_t* out_offset, size_t size,
                      uint32_t flags) {
  if (size == 0) return size_t{0};
  if (!in.readable() || !out.writable()) return Errno::BadF;
  Pipe* source = in.pipe();
  Pipe* target = out.pipe();
  if (size > kMost) size = kMost;
  if (source != nullptr && target != nullptr) {
    if (in_offset != nullptr || out_offset != nullptr) return Errno::SPipe;
    if (source == target) return Errno::Inval;
    return taken_from(
        *source, put_into(*target, pipe_to_pipe(*source, *target, size, wants_no_wait(in, flags),
                                                wants_no_wait(out, flags))));
  }
  if (source != nullptr) {
    if (in_offset != nullptr) return Errno::SPipe;
    if (out_offset != nullptr && !out.is_seekable()) return Errno::Inval;
    if ((out.flags() & kOpenAppend) != 0) return Errno::Inval;
    return taken_from(*source,
                      pipe_to_file(*source, out, out_offset, size, wants_no_wait(in, flags)));
  }
  if (target != nullptr) {
    if (out_offset != nullptr) return Errno::SPipe;
    if (in_offset != nullptr && !in.is_seekable()) return Errno::Inval;
    if (in.inode().is_directory() || !in.splices()) return Errno::Inval;
    return put_into(*target,
                    file_to_pipe(in, in_offset, *target, size, wants_no_wait(out, flags)));
  }
  return Errno::Inval;
}

Result<size_t> tee(File& in, File& out, size_t size, uint32_t flags) {
  if (size == 0) return size_t{0};
  if (!in.readable() || !out.writable()) return Errno::BadF;
  Pipe* source = in.pipe();
  Pipe* target = out.pipe();
  if (source == nullptr || target == nullptr || source == target) return Errno::Inval;
  if (!TRY(source->wait_readable(wants_no_wait(in, flags)))) return size_t{0};
  size_t total = 0;
  for (size_t index = 0; total < size; ++index) {
    std::optional<Pipe::Slot> slot = source->peek(index, size - total);
    if (!slot) break;
    size_t count = slot->size();
    Result<> pushed = target->push(std::move(*slot), wants_no_wait(out, flags) || total != 0);
    if (!pushed.ok()) return put_into(*target, outcome(total, pushed));
    total += count;
  }
  return put_into(*target, total);
}

// The pages are copied: a gift (SPLICE_F_GIFT) is allowed to be, vmsplice(2).
Result<size_t> vmsplice(File& file, IoBuffer& buffer, uint32_t flags) {
  Pipe* pipe = file.pipe();
  if (pipe == nullptr) return Errno::BadF;
  bool nonblocking = wants_no_wait(file, flags);
  if (file.writable()) return put_into(*pipe, pipe->write(buffer, nonblocking, false));
  return taken_from(*pipe, pipe->read(buffer, nonblocking));
}

Result<size_t> send_file(File& out, File& in, uint64_t* in_offset, size_t size) {
  if (!in.readable() || !out.writable()) return Errno::BadF;
  if (in_offset != nullptr && !in.is_seekable()) return Errno::SPipe;
  if ((out.flags() & kOpenAppend) != 0) return Errno::Inval;
  // sendfile(2): the source has pages. From a terminal it would swallow the end of file, and
  // programs fall back to read(2) when it is refused.
  FileType type = in.inode().type();
  if (type != FileType::Regular && type != FileType::BlockDevice) return Errno::Inval;
  if (size > kMost) size = kMost;
  if (Pipe* target = out.pipe())
    return note_copied(
        in, out,
        put_into(*target, file_to_pipe(in, in_offset, *target, size, out.nonblocking())));
  return note_copied(in, out, file_to_file(in, in_offset, out, nullptr, size));
}

Result<size_t> copy_range(File& in, uint64_t* in_offset, File& out, uint64_t* out_offset,
                          size_t size) {
  Inode& from = in.inode();
  Inode& to = out.inode();
  if (from.is_directory() || to.is_directory()) return Errno::IsDir;
  if (from.type() != FileType::Regular || to.type() != FileType::Regular) return Errno::Inval;
  if (!in.readable() || !out.writable() || (out.flags() & kOpenAppend) != 0) return Errno::BadF;
  if (&from.super_block() != &to.super_block()) return Errno::XDev;
  uint64_t start_in, start_out;
  {
    PositionGuard guard(in);
    start_in = in_offset != nullptr ? *in_offset : in.position;
  }
  {
    PositionGuard guard(out);
    start_out = out_offset != nullptr ? *out_offset : out.position;
  }
  if (start_in + size < start_in || start_out + size < start_out) return Errno::Overflow;
  uint64_t end = from.size();
  size = start_in >= end ? 0 : std::min(size, end - start_in);
  if (start_out >= kMaxFileSize) return Errno::FBig;
  size = std::min(std::min(size, kMost), kMaxFileSize - start_out);
  if (&from == &to && start_in < start_out + size && start_out < start_in + size)
    return Errno::Inval;
  return note_copied(in, out, file_to_file(in, in_offset, out, out_offset, size));
}

}  // namespace kernel::splice
