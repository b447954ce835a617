// SPDX-License-Identifier: MIT
// See entries.h.

#include "fs/ext4/entries.h"

namespace kernel::ext4 {

uint8_t disk_type(FileType type) {
  switch (type) {
    case FileType::Regular:
      return kTypeRegular;
    case FileType::Directory:
      return kTypeDirectory;
    case FileType::Symlink:
      return kTypeSymlink;
    case FileType::CharDevice:
      return kTypeChar;
    case FileType::BlockDevice:
      return kTypeBlock;
    case FileType::Fifo:
      return kTypeFifo;
    case FileType::Socket:
      return kTypeSocket;
    case FileType::Anonymous:
      return kTypeUnknown;
  }
  return kTypeUnknown;
}

FileType type_of(uint8_t disk_type) {
  switch (disk_type) {
    case kTypeRegular:
      return FileType::Regular;
    case kTypeDirectory:
      return FileType::Directory;
    case kTypeSymlink:
      return FileType::Symlink;
    case kTypeChar:
      return FileType::CharDevice;
    case kTypeBlock:
      return FileType::BlockDevice;
    case kTypeFifo:
      return FileType::Fifo;
    case kTypeSocket:
      return FileType::Socket;
    default:
      return FileType::Anonymous;
  }
}

bool Entries::are_sound() const {
  size_t offset = 0;
  while (offset < bytes_.size()) {
    if (bytes_.size() - offset < entry_size(1)) return false;
    const auto& entry = *reinterpret_cast<const DiskEntry*>(bytes_.data() + offset);
    if (entry.length < entry_size(1) || entry.length % 4 != 0) return false;
    if (entry.length < entry_size(entry.name_length)) return false;
    if (entry.length > bytes_.size() - offset) return false;
    if (entry.inode > inodes_) return false;
    if (entry.inode != 0 && entry.name_length == 0) return false;
    offset += entry.length;
  }
  return true;
}

DiskEntry* Entries::next(const DiskEntry& entry) const { return at(offset(entry) + entry.length); }

Entries::Found Entries::find(StringView wanted) const {
  DiskEntry* previous = nullptr;
  for (DiskEntry* entry = first(); entry != nullptr; entry = next(*entry)) {
    if (entry->inode != 0 && name(*entry) == wanted) return {entry, previous};
    previous = entry;
  }
  return {};
}

DiskEntry& Entries::write(uint32_t offset, uint32_t length, StringView name, uint32_t inode,
                          uint8_t type) {
  auto& entry = *reinterpret_cast<DiskEntry*>(bytes_.data() + offset);
  entry.inode = inode;
  entry.length = static_cast<uint16_t>(length);
  entry.name_length = static_cast<uint8_t>(name.size());
  entry.type = with_types_ ? type : uint8_t{0};
  if (!name.empty()) __builtin_memcpy(entry.name, name.data(), name.size());
  return entry;
}

bool Entries::add(StringView name, uint32_t inode, FileType type) {
  auto needed = static_cast<uint32_t>(entry_size(name.size()));
  for (DiskEntry* entry = first(); entry != nullptr; entry = next(*entry)) {
    auto used = static_cast<uint32_t>(entry->inode == 0 ? 0 : entry_size(entry->name_length));
    if (entry->length - used < needed) continue;
    uint32_t room = entry->length - used, at_offset = offset(*entry) + used;
    if (used != 0) entry->length = static_cast<uint16_t>(used);
    write(at_offset, room, name, inode, disk_type(type));
    return true;
  }
  return false;
}

void Entries::remove(const Found& found) {
  DiskEntry& entry = *found.entry;
  uint16_t length = entry.length;
  // What it said is nobody's business any more.
  __builtin_memset(&entry, 0, entry_size(entry.name_length));
  entry.length = length;
  if (found.previous != nullptr)
    found.previous->length = static_cast<uint16_t>(found.previous->length + length);
}

void Entries::set(DiskEntry& entry, uint32_t inode, FileType type) {
  entry.inode = inode;
  if (with_types_) entry.type = disk_type(type);
}

void Entries::clear() { write(0, static_cast<uint32_t>(bytes_.size()), {}, 0, 0); }

}  // namespace kernel::ext4
