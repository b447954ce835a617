// SPDX-License-Identifier: MIT
// A mounted volume in a test: on a disk in memory, with operations by path that take the locks
// which the vfs layer takes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "host_tests/e2fsprogs.h"
#include "host_tests/machine.h"
#include "host_tests/ram_disk.h"

namespace kernel::ext4 {

// As whom the tests act, and the frames that they need. Once per process.
void prepare_tests();

using Bytes = std::string;

inline StringView view(const std::string& text) { return {text.data(), text.size()}; }
inline std::string text_of(StringView text) { return {text.data(), text.size()}; }

class TestVolume {
 public:
  // Mounts at once; check ok().
  explicit TestVolume(host_tests::Image image, const std::string& options = "",
                      bool read_only = false);
  ~TestVolume();
  bool ok() const { return volume_.has_value(); }
  Errno error() const { return error_; }
  Volume& volume() { return *volume_; }
  host_tests::RamDisk& disk() { return *disk_; }
  void unmount();
  void remount(const std::string& options = "");
  const host_tests::Image& image() const { return disk_->image(); }

  Result<Ref<Inode>> find(const std::string& path);
  Result<Ref<Inode>> create(const std::string& path, FileType type = FileType::Regular,
                            uint16_t mode = 0644, const std::string& target = {},
                            DeviceNumber device = {});
  Result<> make_directory(const std::string& path) {
    Result<Ref<Inode>> made = create(path, FileType::Directory, 0755);
    return made.ok() ? Result<>() : made.error();
  }
  Result<> link(const std::string& old_path, const std::string& new_path);
  Result<> unlink(const std::string& path);
  Result<> remove_directory(const std::string& path);
  Result<> rename(const std::string& from, const std::string& to, bool exchange = false);
  Result<size_t> write(Inode& inode, uint64_t offset, const Bytes& bytes);
  Result<Bytes> read(Inode& inode, uint64_t offset, size_t size);
  Result<Bytes> read_all(const std::string& path);
  Result<> truncate(Inode& inode, uint64_t size);
  Result<> allocate(Inode& inode, uint32_t mode, uint64_t start, uint64_t length);
  Result<> set_xattr(Inode& inode, const std::string& name, const std::string& value,
                     uint32_t flags = 0);
  Result<std::string> get_xattr(Inode& inode, const std::string& name);
  // Names in a directory, in the order of listing, a few at a time.
  Result<std::vector<std::string>> list(const std::string& path, size_t at_once = 1'000'000);

 private:
  struct Place {
    Ref<Inode> directory;
    std::string name;
  };
  Result<Place> parent_of(const std::string& path);
  void mount(const std::string& options, bool read_only);

  Optional<Ref<host_tests::RamDisk>> disk_;
  Optional<Ref<Volume>> volume_;
  Errno error_{};
};

// mkfs.ext4 and its image.
host_tests::Image make_image(uint64_t size, const std::string& options,
                             const std::string& directory = {});
// e2fsck -fn: true when it finds nothing wrong. Shows what it said, else.
bool is_clean(const host_tests::Image& image);

}  // namespace kernel::ext4
