// SPDX-License-Identifier: MIT
// Open block devices: read, written and mapped through the device's pages, or past them with
// O_DIRECT.
#pragma once

#include "fs/block/block_pages.h"
#include "fs/vfs/file.h"
#include "vm/read_ahead.h"

namespace kernel {

class BlockFile final : public File {
 public:
  // What opening a device node gives. Errors: NxIo when there is no such device, Busy for O_EXCL on
  // one that is in use.
  static Result<Ref<File>> open(const Path& path, uint32_t flags);

  BlockFile(const Path& path, uint32_t flags, Ref<BlockDevice> device, Ref<BlockPages> pages)
      : File(path, flags),
        device_(std::move(device)),
        pages_(std::move(pages)),
        told_errors_(pages_->errors.sample()) {}

  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  Result<uint64_t> seek(int64_t offset, Whence whence) override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  Result<Ref<MemoryObject>> memory_object(uint32_t, bool) override {
    return Ref<MemoryObject>(*pages_);
  }
  Result<> synchronise(bool data_only) override;
  Result<> write_back_range(uint64_t start, uint64_t end, uint32_t steps) override;
  void advise(Advice advice, uint64_t start, uint64_t end) override;
  bool is_seekable() const override { return true; }
  bool takes_direct() const override { return true; }
  BlockDevice& device() const { return *device_; }

 protected:
  void on_close() override;

 private:
  bool is_direct() const { return (flags() & kOpenDirect) != 0; }

  Ref<BlockDevice> device_;
  Ref<BlockPages> pages_;
  ReadAhead read_ahead_;
  Atomic<uint32_t> told_errors_;  // of the pages' write-back
  bool exclusive_ = false;        // the device is claimed for it
};

}  // namespace kernel
