// SPDX-License-Identifier: MIT
// Open regular files of a 9p tree. Reads and writes go to the server, through memory of the
// kernel's, and pages that mappings have of the file are kept in step; with cache=loose reads come
// from the pages. A fid that was opened for the file goes with its last descriptor.

#include "fs/9p/inode.h"
#include "fs/9p/payload.h"
#include "fs/vfs/disk_file.h"
#include "fs/vfs/in_parts.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/open.h"

namespace kernel::p9 {
namespace {

class P9File final : public File {
 public:
  P9File(const Path& path, uint32_t flags, Ref<Fid> fid)
      : File(path, flags),
        fid_(std::move(fid)),
        file_errors_(contents().errors.sample()),
        file_system_errors_(contents().group().errors.sample()) {}
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  Result<uint64_t> seek(int64_t offset, Whence whence) override;
  Result<Ref<MemoryObject>> memory_object(uint32_t protection, bool shared) override;
  Result<> synchronise(bool data_only) override;
  Result<> write_back_range(uint64_t start, uint64_t end, uint32_t steps) override;
  Result<> report_file_system_errors() override;
  void advise(Advice advice, uint64_t start, uint64_t end) override;
  Result<> allocate(uint32_t, uint64_t, uint64_t) override { return Errno::OpNotSupp; }
  bool is_seekable() const override { return true; }

 private:
  P9Inode& node() const { return static_cast<P9Inode&>(inode()); }
  P9Contents& contents() const { return *node().existing_contents(); }
  Fid& fid() const { return *fid_; }
  void on_close() override;
  Result<> write_back() const { return contents().write_back(0, kMaxFileSize); }
  Result<size_t> read_server(IoBuffer& buffer, uint64_t offset);
  Result<size_t> write_piece(Payload& payload, size_t size, uint64_t& offset, bool append);
  Result<size_t> write_out(Payload& payload, size_t size, uint64_t offset);
  ReadAhead read_ahead_;
  Optional<Ref<Fid>> fid_;  // gone when it is closed, before the memory is
  Atomic<uint32_t> file_errors_, file_system_errors_;  // what this file has been told of
};

Result<size_t> P9File::read(IoBuffer& buffer, uint64_t offset) {
  Result<size_t> moved = node().tree().is_loose()
                             ? vfs::read_in_parts(contents(), buffer, offset, read_ahead_)
                             : read_server(buffer, offset);
  if ((flags() & kOpenNoAtime) == 0) inode().note_access(path().mount());
  return moved;
}

// Until the server has no more: one that gives less than it is asked for is asked again.
Result<size_t> P9File::read_server(IoBuffer& buffer, uint64_t offset) {
  if (buffer.remaining() == 0) return size_t{0};
  if (contents().resident_pages() != 0) TRY(write_back());
  Payload payload = TRY(Payload::allocate(buffer.remaining(), fid().session().max_data()));
  size_t total = 0;
  while (buffer.remaining() != 0) {
    Result<uint32_t> moved = fid().read(offset, payload.first(buffer.remaining()));
    if (moved.ok() && *moved == 0) break;
    Result<size_t> put = moved.ok() ? buffer.put(payload.data(), *moved) : moved.error();
    if (!put.ok()) return total != 0 ? Result<size_t>(total) : put.error();
    total += *put;
    offset += *put;
    // At what is known as the end: a file that has grown since is read on by the next call.
    if (*put < *moved || offset >= inode().size()) break;
  }
  return total;
}

Result<size_t> P9File::write(IoBuffer& buffer, uint64_t offset) {
  if (buffer.remaining() == 0) return size_t{0};
  bool append = (flags() & kOpenAppend) != 0 || buffer.manner().append;
  Payload payload = TRY(Payload::allocate(buffer.remaining(), fid().session().max_data()));
  size_t total = 0;
  Result<> ended;
  while (buffer.remaining() != 0) {
    Result<size_t> taken = buffer.take(payload.data(), payload.size());
    Result<size_t> moved =
        taken.ok() ? write_piece(payload, *taken, offset, append) : taken.error();
    if (!moved.ok()) {
      if (taken.ok()) buffer.rewind(*taken);
      ended = moved.error();
      break;
    }
    total += *moved;
    offset += *moved;
    if (*moved < *taken) {
      buffer.rewind(*taken - *moved);
      break;
    }
  }
  if (total == 0) return ended.ok() ? Result<size_t>(size_t{0}) : ended.error();
  if ((flags() & kOpenDsync) != 0) TRY(synchronise((flags() & kOpenSync) != kOpenSync));
  return total;
}

// Under the inode's lock, so that pieces that are appended do not meet at one place.
Result<size_t> P9File::write_piece(Payload& payload, size_t size, uint64_t& offset, bool append) {
  P9Inode& inode = node();
  Guard guard(inode.lock);
  if (append) {
    if (!inode.tree().is_loose()) TRY(inode.refresh());
    offset = inode.size();
  }
  uint64_t room = TRY(vfs::write_limit(offset));
  if (size > room) size = room;
  Result<size_t> moved = contents().overwrite(
      offset, offset + size, [&] { return write_out(payload, size, offset); });
  if (!moved.ok() || *moved == 0) return moved;
  if (offset + *moved > inode.size()) inode.set_size(offset + *moved);
  vfs::drop_privileges_locked(inode);
  inode.touch(false, true, true);
  return moved;
}

Result<size_t> P9File::write_out(Payload& payload, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    P9Segment rest = payload.part(done, size - done);
    Result<uint32_t> moved = fid().write(offset + done, {&rest, 1});
    if (!moved.ok() && done == 0) return moved.error();
    if (!moved.ok() || *moved == 0) break;
    done += *moved;
  }
  return done;
}

Result<uint64_t> P9File::seek(int64_t offset, Whence whence) {
  switch (whence) {
    case Whence::Set: return move_position(0, offset);
    case Whence::Current: return move_position(position_hint(), offset);
    default: break;
  }
  uint64_t size = inode().attributes().size;
  if (whence == Whence::End) return move_position(size, offset);
  // No holes that the protocol could tell of, but the one behind the end.
  if (offset < 0 || static_cast<uint64_t>(offset) >= size) return Errno::NxIo;
  return whence == Whence::Data ? move_position(0, offset) : move_position(size, 0);
}

Result<Ref<MemoryObject>> P9File::memory_object(uint32_t, bool shared) {
  // cache=none: no page of ours may be newer than the server's.
  if (shared && writable() && node().tree().options().cache == CacheMode::None)
    return Errno::Inval;
  if ((flags() & kOpenNoAtime) == 0) inode().note_access(path().mount());
  if (shared && writable()) contents().write_through(Ref<Fid>(*fid_));
  return Ref<MemoryObject>(contents());
}

Result<> P9File::synchronise(bool data_only) {
  Result<> written = write_back();
  Result<> flushed = fid().synchronise(data_only);
  Result<> told = contents().errors.report(file_errors_);
  if (!written.ok()) return written;
  return told.ok() ? flushed : told;
}

Result<> P9File::write_back_range(uint64_t start, uint64_t end, uint32_t steps) {
  return disk_file::write_back_range(contents(), file_errors_, start, end, steps);
}

Result<> P9File::report_file_system_errors() {
  return contents().group().errors.report(file_system_errors_);
}

void P9File::advise(Advice advice, uint64_t start, uint64_t end) {
  disk_file::advise(contents(), read_ahead_, advice, start, end);
}

// Mappings hold their file: there is none of this one any more.
void P9File::on_close() {
  ignore(write_back());  // as close(2) has it: fsync tells
  fid_.reset();
}

}  // namespace

Result<Ref<File>> open_regular(const Path& path, uint32_t flags, Ref<Fid> fid) {
  return Ref<File>(TRY(make_ref<P9File>(path, flags, std::move(fid))));
}

}  // namespace kernel::p9
