// SPDX-License-Identifier: MIT
// An open regular file of an overlay: it has the overlay's path, and asks the file of the layer.
// One that was opened for reading before the file was copied up reads the upper file from then on;
// what it has mapped stays the lower one's, as on Linux.
#pragma once

#include "fs/overlay/inode.h"
#include "fs/vfs/regular_file.h"

namespace kernel {

class OverlayFile final : public RegularFile {
 public:
  OverlayFile(Path path, uint32_t flags, Ref<File> real_file)
      : RegularFile(std::move(path), flags), first_(std::move(real_file)) {}
  // The topmost file, opened as the mounter. `flags` are those of the overlay's file.
  static Result<Ref<File>> open_real(OverlayInode& inode, uint32_t flags);

  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  Result<Ref<MemoryObject>> memory_object(uint32_t protection, bool shared) override;
  Result<> synchronise(bool data_only) override;
  Result<> write_back_range(uint64_t start, uint64_t end, uint32_t steps) override;
  Result<> report_file_system_errors() override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  void advise(Advice advice, uint64_t start, uint64_t end) override;
  bool takes_direct() const override { return first_->takes_direct(); }

 private:
  void on_close() override;
  Result<Ref<File>> real();
  OverlayInode& overlay_inode() const { return OverlayInode::of(inode()); }

  Optional<Ref<File>> first_;  // until the close
  SpinLock<LockRank::Leaf> lock_;
  Optional<Ref<File>> copied_ GUARDED_BY(lock_);  // the upper one, when first_ is not
};

}  // namespace kernel
