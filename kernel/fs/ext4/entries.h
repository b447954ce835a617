// SPDX-License-Identifier: MIT
// The directory entries in one piece of memory: a directory's block without its checksum, or a part
// of an inode. They fill it without a gap; a removed one belongs to the one before it.
#pragma once

#include <span>

#include "fs/ext4/format.h"
#include "fs/vfs/inode.h"
#include "lib/result.h"
#include "lib/string_view.h"

namespace kernel::ext4 {

uint8_t disk_type(FileType type);
FileType type_of(uint8_t disk_type);  // Anonymous: not known

class Entries {
 public:
  // `with_types`: the filetype feature. `inodes`: numbers above are no inodes.
  Entries(std::span<uint8_t> bytes, bool with_types, uint32_t inodes)
      : bytes_(bytes), with_types_(with_types), inodes_(inodes) {}

  // Every entry lies inside and is well-formed. What follows is for such memory only.
  bool are_sound() const;

  DiskEntry* first() const { return at(0); }
  // Null behind the last.
  DiskEntry* next(const DiskEntry& entry) const;
  uint32_t offset(const DiskEntry& entry) const {
    return static_cast<uint32_t>(reinterpret_cast<const uint8_t*>(&entry) - bytes_.data());
  }
  StringView name(const DiskEntry& entry) const { return {entry.name, entry.name_length}; }
  FileType type(const DiskEntry& entry) const {
    return type_of(with_types_ ? entry.type : kTypeUnknown);
  }
  static bool is_dot_or_dot_dot(StringView name) { return name == "." || name == ".."; }

  struct Found {
    DiskEntry* entry = nullptr;
    DiskEntry* previous = nullptr;
  };
  Found find(StringView name) const;
  // False when there is no room.
  bool add(StringView name, uint32_t inode, FileType type);
  void remove(const Found& found);
  void set(DiskEntry& entry, uint32_t inode, FileType type);
  // One unused entry over everything.
  void clear();
  // An entry that exactly fills `length` bytes at `at`.
  DiskEntry& write(uint32_t at, uint32_t length, StringView name, uint32_t inode, uint8_t type);

 private:
  DiskEntry* at(uint32_t offset) const {
    return offset + sizeof(DiskEntry) <= bytes_.size()
               ? reinterpret_cast<DiskEntry*>(bytes_.data() + offset)
               : nullptr;
  }
  std::span<uint8_t> bytes_;
  bool with_types_;
  uint32_t inodes_;
};

}  // namespace kernel::ext4
