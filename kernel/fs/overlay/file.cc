// SPDX-License-Identifier: MIT
// See file.h.

#include "fs/overlay/file.h"

#include "fs/vfs/mount.h"
#include "fs/vfs/vfs.h"

namespace kernel {
namespace {

// What F_SETFL changes, and the other file must know.
constexpr uint32_t kPassedOn = kOpenAppend | kOpenNonBlock | kOpenDirect | kOpenNoAtime;
constexpr uint32_t kNotPassedOn = kOpenCreate | kOpenExclusive | kOpenTruncate | kOpenNoFollow |
                                  kOpenDirectory | kOpenAsync;

}  // namespace

Result<Ref<File>> OverlayFile::open_real(OverlayInode& inode, uint32_t flags) {
  OverlayScope scope(inode.overlay());
  vfs::OpenRequest request;
  request.flags = flags & ~kNotPassedOn;
  request.resolve = vfs::LookupFlags::EmptyPath;
  return vfs::open({.directory = &inode.real()}, "", request);
}

Result<Ref<File>> OverlayFile::real() {
  OverlayInode& node = overlay_inode();
  Ref<File> file = first_.value();
  if (&file->inode() != &node.real().inode()) {
    Optional<Ref<File>> copied;
    {
      Guard guard(lock_);
      copied = copied_;
    }
    if (!copied) {
      copied = TRY(open_real(node, flags()));
      Guard guard(lock_);
      if (!copied_) copied_ = copied;
    }
    file = copied.take();
  }
  file->change_flags(kPassedOn, flags() & kPassedOn);
  return file;
}

Result<size_t> OverlayFile::read(IoBuffer& buffer, uint64_t offset) {
  return TRY(real())->read(buffer, offset);
}

// With the writer's own rights: they decide what becomes of set-user-ID.
Result<size_t> OverlayFile::write(IoBuffer& buffer, uint64_t offset) {
  Ref<File> file = TRY(real());
  Result<size_t> written = file->write(buffer, offset);
  overlay_inode().take_attributes();
  return written;
}

Result<Ref<MemoryObject>> OverlayFile::memory_object(uint32_t protection, bool shared) {
  return first_->memory_object(protection, shared);
}

Result<> OverlayFile::synchronise(bool data_only) {
  return overlay_inode().synchronise(data_only);
}

Result<> OverlayFile::write_back_range(uint64_t start, uint64_t end, uint32_t steps) {
  return TRY(real())->write_back_range(start, end, steps);
}

Result<> OverlayFile::report_file_system_errors() {
  return TRY(real())->report_file_system_errors();
}

Result<int64_t> OverlayFile::ioctl(uint32_t request, uint64_t argument) {
  return TRY(real())->ioctl(request, argument);
}

void OverlayFile::advise(Advice advice, uint64_t start, uint64_t end) {
  if (Result<Ref<File>> file = real(); file.ok()) (*file)->advise(advice, start, end);
}

void OverlayFile::on_close() {
  first_.reset();
  Optional<Ref<File>> copied;
  Guard guard(lock_);
  std::swap(copied, copied_);
}

}  // namespace kernel
