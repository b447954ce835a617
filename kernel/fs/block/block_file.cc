// SPDX-License-Identifier: MIT
// See block_file.h.

#include "fs/block/block_file.h"

#include "fs/block/open.h"
#include "fs/vfs/disk_file.h"
#include "fs/vfs/in_parts.h"

namespace kernel {

Result<Ref<File>> BlockFile::open(const Path& path, uint32_t flags) {
  DeviceNumber number = path.inode().device();
  Optional<Ref<BlockDevice>> found = BlockRegistry::find(number.major, number.minor);
  if (!found) return Errno::NxIo;
  Ref<BlockDevice> device = found.take();
  Ref<BlockPages> pages = TRY(BlockPages::open(*device));
  Result<Ref<BlockFile>> made = make_ref<BlockFile>(path, flags, device, std::move(pages));
  if (!made.ok()) {
    BlockPages::close(*device);
    return made.error();
  }
  // From here on the file's end closes it.
  Ref<BlockFile> file = std::move(made).take();
  if ((flags & kOpenExclusive) != 0) {
    TRY(device->claim(file.get()));
    file->exclusive_ = true;
  }
  return Ref<File>(std::move(file));
}

void BlockFile::on_close() {
  if (exclusive_) device_->release(this);
  BlockPages::close(*device_);
}

Result<size_t> BlockFile::read(IoBuffer& buffer, uint64_t offset) {
  if (buffer.remaining() == 0) return size_t{0};
  if (is_direct()) {
    TRY(disk_file::check_direct(buffer, offset, device_->logical_block_size()));
    return offset < pages_->size() ? pages_->read_direct(buffer, offset) : size_t{0};
  }
  return vfs::read_in_parts(*pages_, buffer, offset, read_ahead_);
}

Result<size_t> BlockFile::write(IoBuffer& buffer, uint64_t offset) {
  uint64_t size = pages_->size();
  if (device_->read_only()) return Errno::Perm;
  if (buffer.remaining() == 0) return size_t{0};
  if (offset >= size) return Errno::NoSpc;
  if (buffer.remaining() > size - offset) buffer.truncate(size - offset);
  size_t total;
  if (is_direct()) {
    TRY(disk_file::check_direct(buffer, offset, device_->logical_block_size()));
    total = TRY(pages_->write_direct(buffer, offset));
  } else {
    auto some = [this](IoBuffer& part, uint64_t at) { return pages_->write_some(part, at); };
    total = TRY(vfs::write_in_parts(buffer, offset, some));
  }
  if (total != 0 && (flags() & kOpenDsync) != 0) TRY(synchronise(true));
  return total;
}

Result<> BlockFile::synchronise(bool) {
  Result<> written = pages_->write_back(0, pages_->size());
  Result<> flushed = device_->flush();
  Result<> told = pages_->errors.report(told_errors_);
  if (!written.ok()) return written;
  return told.ok() ? flushed : told;
}

Result<> BlockFile::write_back_range(uint64_t start, uint64_t end, uint32_t steps) {
  return disk_file::write_back_range(*pages_, told_errors_, start, end, steps);
}

void BlockFile::advise(Advice advice, uint64_t start, uint64_t end) {
  disk_file::advise(*pages_, read_ahead_, advice, start, end);
}

Result<uint64_t> BlockFile::seek(int64_t offset, Whence whence) {
  uint64_t size = pages_->size(), base = 0;
  switch (whence) {
    case Whence::Set: break;
    case Whence::Current: base = position_hint(); break;
    case Whence::End: base = size; break;
    default: return Errno::Inval;
  }
  int64_t most = static_cast<int64_t>(size - base);
  return offset > most ? Errno::Inval : move_position(base, offset);
}

Result<Ref<File>> open_block_device(const Path& path, uint32_t flags) {
  return BlockFile::open(path, flags);
}

}  // namespace kernel
