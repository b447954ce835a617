// SPDX-License-Identifier: MIT
// Makes the entries of a cpio archive in the root file system, with Linux's rules: later entries
// replace earlier ones of another type, hard links are found by device and inode number, times are
// kept.
#pragma once

#include "fs/initramfs/cpio.h"
#include "fs/vfs/vfs.h"

namespace kernel::initramfs {

class Unpacker final : public CpioReceiver {
 public:
  Result<> begin(const CpioEntry& entry, StringView name) override;
  Result<> data(std::span<const uint8_t> piece) override;
  Result<> end() override;
  void archive_end() override { links_.clear(); }
  // All archives are done: the times of directories, which what is made in them changes.
  Result<> finish();

  uint64_t entries() const { return entries_; }

 private:
  struct Link {
    uint32_t inode, device_major, device_minor;
    String name;
  };
  struct DirectoryTime {
    String name;
    uint32_t modified;
  };
  Result<> make(StringView name);
  Result<> make_directory(StringView name);
  Result<> make_regular(StringView name);
  Result<> apply_attributes(const Path& path);
  Result<bool> link_to_earlier(StringView name);

  CpioEntry entry_;
  String name_;
  Optional<Ref<File>> file_;   // a regular file that is being written
  uint64_t offset_ = 0;
  String target_;              // of a symbolic link
  Vector<Link> links_;
  Vector<DirectoryTime> directories_;
  uint64_t entries_ = 0;
};

}  // namespace kernel::initramfs
