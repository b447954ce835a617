// SPDX-License-Identifier: MIT
// Open regular files of every file system that keeps its data in a memory object. A write holds the
// inode's lock, a read none; neither faults on the user's buffer under a lock.
#pragma once

#include "fs/vfs/file.h"

namespace kernel {

class RegularFile : public File {
 public:
  RegularFile(Path path, uint32_t flags) : File(std::move(path), flags) {}
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  Result<uint64_t> seek(int64_t offset, Whence whence) override;
  Result<Ref<MemoryObject>> memory_object(uint32_t protection, bool shared) override;
  Result<> synchronise(bool data_only) override { return inode().synchronise(data_only); }
  Result<> allocate(uint32_t mode, uint64_t start, uint64_t length) override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override {
    return inode().ioctl(*this, request, argument);
  }
  bool is_seekable() const override { return true; }
  // What has no name any more (memfd_create, unlink) lives on its open files alone.
  uint64_t held_pages() const override {
    MemoryObject* object = inode().links() == 0 ? inode().contents() : nullptr;
    return object != nullptr ? object->resident_pages() : 0;
  }

 protected:
  // write(2) beyond RLIMIT_FSIZE: what fits, or SIGXFSZ and EFBIG.
  static Result<> limit_write(IoBuffer& buffer, uint64_t offset);

 private:
  Result<size_t> write_some(IoBuffer& buffer, uint64_t& offset);
};

}  // namespace kernel
