// SPDX-License-Identifier: MIT
// See xattr.h.

#include "fs/ext4/xattr.h"

#include "fs/ext4/volume.h"
#include "lib/crc32c.h"

namespace kernel::ext4::xattr {
namespace {

constexpr size_t kEnd = 4;  // zeros behind the last entry

size_t padded(size_t size) { return (size + 3) & ~size_t{3}; }
size_t entry_bytes(size_t name_length) { return padded(sizeof(DiskXattrEntry) + name_length); }

StringView name_of(const DiskXattrEntry& entry) { return {entry.name, entry.name_length}; }

uint32_t hash_of(StringView name, std::span<const uint8_t> value) {
  uint32_t hash = 0;
  for (char c : name) hash = std::rotl(hash, 5) ^ static_cast<unsigned char>(c);
  for (size_t at = 0; at < value.size(); at += 4) {  // padded with zeros
    uint32_t word = 0;
    __builtin_memcpy(&word, &value[at], value.size() - at < 4 ? value.size() - at : 4);
    hash = std::rotl(hash, 16) ^ word;
  }
  return hash;
}

// The order of the entries of a block.
bool comes_before(const DiskXattrEntry& entry, uint8_t index, StringView name) {
  if (entry.name_index != index) return entry.name_index < index;
  if (entry.name_length != name.size()) return entry.name_length < name.size();
  return name_of(entry) < name;
}

}  // namespace

bool Area::is_last(size_t offset) const {
  if (offset + kEnd > bytes_.size()) return true;
  uint32_t word = 0;
  __builtin_memcpy(&word, bytes_.data() + offset, sizeof word);
  return word == 0;
}

DiskXattrEntry* Area::first() const { return is_last(first_) ? nullptr : at(first_); }

DiskXattrEntry* Area::next(DiskXattrEntry& entry) const {
  size_t offset = offset_of(entry) + entry_bytes(entry.name_length);
  return is_last(offset) ? nullptr : at(offset);
}

bool Area::is_sound() const {
  size_t offset = first_;
  while (true) {
    if (offset + kEnd > bytes_.size()) return false;
    if (is_last(offset)) break;
    if (offset + sizeof(DiskXattrEntry) > bytes_.size()) return false;
    offset += entry_bytes(at(offset)->name_length);
  }
  size_t end = offset + kEnd;
  for (DiskXattrEntry* entry = first(); entry != nullptr; entry = next(*entry)) {
    if (entry->value_inode != 0 || entry->value_size == 0) continue;
    size_t start = base_ + entry->value_offset;
    if (entry->value_size > bytes_.size() || start < end || start > bytes_.size() ||
        padded(entry->value_size) > bytes_.size() - start)
      return false;
  }
  return true;
}

DiskXattrEntry* Area::find(uint8_t index, StringView name) const {
  if (!exists()) return nullptr;
  for (DiskXattrEntry* entry = first(); entry != nullptr; entry = next(*entry)) {
    if (entry->name_index == index && name_of(*entry) == name) return entry;
  }
  return nullptr;
}

size_t Area::list_end() const {
  size_t offset = first_;
  while (!is_last(offset)) offset += entry_bytes(at(offset)->name_length);
  return offset;
}

size_t Area::values_start() const {
  size_t start = bytes_.size();
  for (DiskXattrEntry* entry = first(); entry != nullptr; entry = next(*entry)) {
    if (entry->value_inode != 0 || entry->value_size == 0) continue;
    size_t offset = base_ + entry->value_offset;
    if (offset < start) start = offset;
  }
  return start;
}

bool Area::remove(uint8_t index, StringView name) {
  DiskXattrEntry* gone = find(index, name);
  if (gone == nullptr) return false;
  if (gone->value_inode == 0 && gone->value_size != 0) {
    size_t start = values_start();
    size_t offset = base_ + gone->value_offset, size = padded(gone->value_size);
    __builtin_memmove(bytes_.data() + start + size, bytes_.data() + start, offset - start);
    __builtin_memset(bytes_.data() + start, 0, size);
    for (DiskXattrEntry* entry = first(); entry != nullptr; entry = next(*entry)) {
      if (entry->value_inode == 0 && entry->value_size != 0 &&
          entry->value_offset < gone->value_offset)
        entry->value_offset = static_cast<uint16_t>(entry->value_offset + size);
    }
  }
  size_t offset = offset_of(*gone), size = entry_bytes(gone->name_length), end = list_end();
  __builtin_memmove(bytes_.data() + offset, bytes_.data() + offset + size, end - offset - size);
  __builtin_memset(bytes_.data() + end - size, 0, size);
  return true;
}

bool Area::add(uint8_t index, StringView name, StringView value, bool in_block) {
  size_t end = list_end(), start = values_start();
  size_t needed = entry_bytes(name.size()), value_bytes = padded(value.size());
  if (end + needed + kEnd + value_bytes > start) return false;
  size_t offset = end;
  if (in_block) {
    offset = first_;
    while (offset < end && comes_before(*at(offset), index, name))
      offset += entry_bytes(at(offset)->name_length);
  }
  __builtin_memmove(bytes_.data() + offset + needed, bytes_.data() + offset, end - offset);
  __builtin_memset(bytes_.data() + offset, 0, needed);
  __builtin_memset(bytes_.data() + end + needed, 0, kEnd);
  DiskXattrEntry& entry = *at(offset);
  entry.name_length = static_cast<uint8_t>(name.size());
  entry.name_index = index;
  entry.value_size = static_cast<uint32_t>(value.size());
  if (!name.empty()) __builtin_memcpy(entry.name, name.data(), name.size());
  if (!value.empty()) {
    entry.value_offset = static_cast<uint16_t>(start - value_bytes - base_);
    uint8_t* place = bytes_.data() + start - value_bytes;
    __builtin_memset(place, 0, value_bytes);
    __builtin_memcpy(place, value.data(), value.size());
  }
  if (in_block) {
    entry.hash = hash_of(name, {reinterpret_cast<const uint8_t*>(value.data()), value.size()});
  }
  return true;
}

// --- Names -----------------------------------------------------------------------------

namespace {
struct Prefix {
  uint8_t index;
  StringView text;
};
constexpr Prefix kPrefixes[] = {
    {kXattrUser, "user."}, {kXattrTrusted, "trusted."}, {kXattrSecurity, "security."}};
}  // namespace

std::optional<Name> split_name(StringView name) {
  for (const Prefix& prefix : kPrefixes) {
    if (name.starts_with(prefix.text)) return Name{prefix.index, name.substr(prefix.text.size())};
  }
  return std::nullopt;
}

StringView prefix_of(uint8_t index) {
  for (const Prefix& prefix : kPrefixes) {
    if (prefix.index == index) return prefix.text;
  }
  return {};
}

// --- In the inode -------------------------------------------------------------------------

namespace {

std::span<uint8_t> spare_bytes(const Node& node, const Node::Place& place) {
  size_t size = node.volume().geometry().inode_size;
  size_t start = kOldInodeSize + node.extra_size();
  if (node.extra_size() == 0 || start + sizeof(uint32_t) + kEnd > size) return {};
  return {place.bytes + start, size - start};
}

}  // namespace

Result<Area> inode_area(Node& node, const Node::Place& place) {
  std::span<uint8_t> bytes = spare_bytes(node, place);
  if (bytes.empty()) return Area();
  uint32_t magic = 0;
  __builtin_memcpy(&magic, bytes.data(), sizeof magic);
  if (magic != kXattrMagic) return Area();
  // Offsets count from the first entry.
  Area area(bytes, sizeof magic, sizeof magic);
  if (area.is_sound()) return area;
  return node.volume().corrupted(node.disk_number(), "inode {}: corrupted in-inode xattr",
                                 node.disk_number());
}

Area init_inode_area(Node& node, const Node::Place& place) {
  std::span<uint8_t> bytes = spare_bytes(node, place);
  if (bytes.empty()) return Area();
  uint32_t magic = 0;
  __builtin_memcpy(&magic, bytes.data(), sizeof magic);
  if (magic != kXattrMagic) {
    __builtin_memset(bytes.data(), 0, bytes.size());
    __builtin_memcpy(bytes.data(), &kXattrMagic, sizeof kXattrMagic);
  }
  return Area(bytes, sizeof magic, sizeof magic);
}

// --- In a block -----------------------------------------------------------------------------

namespace {

uint32_t checksum_of(const Volume& volume, Buffer& buffer) {
  uint64_t block = buffer.block();
  constexpr size_t kField = offsetof(DiskXattrHeader, checksum), kBehind = kField + 4;
  static constexpr uint8_t kZeros[4] = {};
  std::span<uint8_t> bytes = buffer.bytes();
  uint32_t crc = crc32c(volume.geometry().checksum_seed,
                        {reinterpret_cast<const uint8_t*>(&block), sizeof block});
  crc = crc32c(crc, bytes.first(kField));
  crc = crc32c(crc, kZeros);
  return crc32c(crc, bytes.subspan(kBehind));
}

}  // namespace

Area block_area(Buffer& buffer) { return Area(buffer.bytes(), sizeof(DiskXattrHeader), 0); }

Result<Ref<Buffer>> read_block(Node& node) {
  Volume& volume = node.volume();
  Ref<Buffer> buffer = TRY(volume.buffers().read(node.xattr_block()));
  if (buffer->verified() == kVerifiedXattrs) return buffer;
  DiskXattrHeader& header = header_of(*buffer);
  if (volume.geometry().has_metadata_checksums() &&
      header.checksum != checksum_of(volume, *buffer)) {
    static_cast<void>(volume.corrupted(node.disk_number(), "inode {}: bad checksum of xattr block",
                                       node.disk_number()));
    return Errno::BadMsg;
  }
  if (header.magic != kXattrMagic || header.blocks != 1 || header.references == 0 ||
      !block_area(*buffer).is_sound())
    return volume.corrupted(node.disk_number(), "inode {}: bad block {}", node.disk_number(),
                            node.xattr_block());
  buffer->set_verified(kVerifiedXattrs);
  return buffer;
}

void init_block(Buffer& buffer) {
  DiskXattrHeader& header = header_of(buffer);
  header.magic = kXattrMagic;
  header.references = 1;
  header.blocks = 1;
  buffer.set_verified(kVerifiedXattrs);
}

void block_changed(Handle& handle, const Volume& volume, Buffer& buffer) {
  DiskXattrHeader& header = header_of(buffer);
  header.hash = 0;
  Area area = block_area(buffer);
  for (DiskXattrEntry* entry = area.first(); entry != nullptr; entry = area.next(*entry)) {
    if (entry->hash == 0) {  // never shared
      header.hash = 0;
      break;
    }
    header.hash = std::rotl(header.hash, 16) ^ entry->hash;
  }
  if (volume.geometry().has_metadata_checksums()) header.checksum = checksum_of(volume, buffer);
  handle.dirty(buffer);
}

}  // namespace kernel::ext4::xattr
