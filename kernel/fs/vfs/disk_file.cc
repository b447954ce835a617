// SPDX-License-Identifier: MIT
// See disk_file.h.

#include "fs/vfs/disk_file.h"

#include "dev/block_device.h"
#include "fs/vfs/in_parts.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/open.h"
#include "vm/write_back.h"

namespace kernel {

DiskFile::DiskFile(Path path, uint32_t flags)
    : RegularFile(std::move(path), flags),
      file_errors_(object().errors.sample()),
      file_system_errors_(object().group().errors.sample()) {}

// --- Reading -----------------------------------------------------------------------

// Direct I/O goes through the cache, which is in step with the disk afterwards and empty there.
Result<size_t> DiskFile::read(IoBuffer& buffer, uint64_t offset) {
  uint64_t end = offset + buffer.remaining();
  if (is_direct()) TRY(disk_file::check_direct(buffer, offset, kSectorSize));
  size_t total = TRY(vfs::read_in_parts(object(), buffer, offset, read_ahead_));
  if (is_direct()) {
    TRY(object().write_back(offset, end));
    object().invalidate(align_down(offset, kPageSize), align_up(end, kPageSize), false);
  }
  if ((flags() & kOpenNoAtime) == 0) inode().note_access(path().mount());
  return total;
}

// --- Writing -----------------------------------------------------------------------

// As far as the buffer is accessible, under the inode's lock. The object extends its size itself.
Result<size_t> DiskFile::write_some(IoBuffer& buffer, uint64_t& offset) {
  Inode& node = inode();
  Guard guard(node.lock);
  if (node.is_restricted(kRestrictImmutable)) return Errno::Perm;
  if ((flags() & kOpenAppend) != 0 || buffer.manner().append) offset = object().size();
  TRY(limit_write(buffer, offset));
  if (buffer.remaining() == 0) return size_t{0};
  if (is_direct()) TRY(disk_file::check_direct(buffer, offset, kSectorSize));
  Result<size_t> moved = object().write(buffer, offset);
  if (moved.ok() && *moved != 0) vfs::drop_privileges_locked(node);
  return moved;
}

bool DiskFile::is_synchronous() const {
  bool all = (inode().super_block().asked_flags.load_relaxed() & kSuperSync) != 0;
  return all || (flags() & kOpenDsync) != 0;
}

Result<size_t> DiskFile::write(IoBuffer& buffer, uint64_t offset) {
  uint64_t last_start = offset;  // O_APPEND chooses it
  size_t total = TRY(vfs::write_in_parts(buffer, offset, [&](IoBuffer& part, uint64_t& at) {
    Result<size_t> moved = write_some(part, at);
    last_start = at;
    return moved;
  }));
  if (total == 0) return total;
  inode().touch(false, true, true);
  if (is_direct()) {
    uint64_t start = last_start < total ? 0 : last_start - total;
    uint64_t end = last_start + total;
    TRY(object().write_back(start, end));
    object().invalidate(align_down(start, kPageSize), align_up(end, kPageSize), true);
  }
  if (is_synchronous()) TRY(synchronise((flags() & kOpenSync) != kOpenSync));
  return total;
}

// --- Write-back and advice -----------------------------------------------------------

Result<> DiskFile::synchronise(bool data_only) {
  Result<> own = inode().synchronise(data_only);
  Result<> told = object().errors.report(file_errors_);
  return own.ok() ? told : own;
}

Result<> disk_file::check_direct(const IoBuffer& buffer, uint64_t offset, uint64_t block) {
  bool aligned = is_aligned(offset, block) && buffer.is_aligned(kSectorSize, block);
  return aligned ? Result<>() : Errno::Inval;
}

Result<> disk_file::write_back_range(DiskObject& object, Atomic<uint32_t>& told, uint64_t start,
                                     uint64_t end, uint32_t steps) {
  if ((steps & File::kWaitBefore) != 0) {
    object.wait_for_write_back(start, end);
    TRY(object.errors.report(told));
  }
  if ((steps & File::kStartWriting) != 0) ignore(object.start_write_back(start, end));
  if ((steps & File::kWaitAfter) != 0) {
    object.wait_for_write_back(start, end);
    TRY(object.errors.report(told));
  }
  return {};
}

void disk_file::advise(DiskObject& object, ReadAhead& read_ahead, File::Advice advice,
                       uint64_t start, uint64_t end) {
  using Advice = File::Advice;
  switch (advice) {
    case Advice::Normal: read_ahead.set_pattern(ReadAhead::Pattern::Normal); break;
    case Advice::Random: read_ahead.set_pattern(ReadAhead::Pattern::Random); break;
    case Advice::Sequential: read_ahead.set_pattern(ReadAhead::Pattern::Sequential); break;
    case Advice::WillNeed: {
      uint64_t last = end < object.size() ? pages_for(end) : pages_for(object.size());
      uint64_t first = start >> kPageShift;
      if (first < last) object.read_ahead(first, last - first);
      break;
    }
    case Advice::DontNeed:
      ignore(object.start_write_back(start, end));
      // Parts of pages stay, but for the file's last one.
      if (end >= object.size()) end = align_up(object.size(), kPageSize);
      object.invalidate(start, end, false);
      break;
    case Advice::NoReuse: break;  // as Linux 6.1
  }
}

Result<> DiskFile::write_back_range(uint64_t start, uint64_t end, uint32_t steps) {
  return disk_file::write_back_range(object(), file_errors_, start, end, steps);
}

Result<> DiskFile::report_file_system_errors() {
  return object().group().errors.report(file_system_errors_);
}

void DiskFile::advise(Advice advice, uint64_t start, uint64_t end) {
  disk_file::advise(object(), read_ahead_, advice, start, end);
}

Result<Ref<File>> vfs::open_on_disk(const Path& path, uint32_t flags) {
  return Ref<File>(TRY(make_ref<DiskFile>(path, flags)));
}

}  // namespace kernel
