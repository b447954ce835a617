// SPDX-License-Identifier: MIT
// See protocol.h.

#include "fs/9p/protocol.h"

namespace kernel::p9 {
namespace {

constexpr uint32_t kLastErrno = 511;  // what is above it is between the parts of a kernel
constexpr uint64_t kMaxBlockSize = 0x7fff'ffff;
constexpr uint64_t kMaxSize = ~uint64_t{0} >> 1;

Result<Timestamp> parse_time(MessageReader& reader) {
  auto seconds = static_cast<int64_t>(TRY(reader.u64()));
  uint64_t nanoseconds = TRY(reader.u64());
  if (nanoseconds >= 1'000'000'000) return Errno::Io;
  return Timestamp{seconds, static_cast<uint32_t>(nanoseconds)};
}

// DT_* of readdir(3), which S_IFMT has in its four bits; what the server does not know is for stat
// to find out.
FileType type_of_entry(uint8_t type) {
  std::optional<FileType> known;
  if (type < 16) known = type_of_mode(uint32_t{type} << 12);
  return known.value_or(FileType::Anonymous);
}

bool has(StringView text, char unwanted) { return text.find(unwanted) != StringView::npos; }

}  // namespace

Result<MessageReader> open_answer(std::span<const uint8_t> bytes, uint32_t received, Type asked,
                                  uint16_t tag) {
  MessageReader reader(bytes);
  uint32_t size = TRY(reader.u32());
  uint8_t type = TRY(reader.u8());
  uint16_t answered = TRY(reader.u16());
  if (size < kHeaderSize || size > received || answered != tag) return Errno::Io;
  if (size < bytes.size()) {  // what lies behind the message is not part of it
    reader = MessageReader(bytes.first(size));
    TRY(reader.u32());
    TRY(reader.u8());
    TRY(reader.u16());
  }
  if (type == static_cast<uint8_t>(Type::Lerror)) {
    uint32_t error = TRY(reader.u32());
    return error == 0 || error > kLastErrno ? Errno::Io : static_cast<Errno>(error);
  }
  if (type != static_cast<uint8_t>(asked) + 1) return Errno::Io;
  return reader;
}

Result<Qid> parse_qid(MessageReader& reader) {
  Qid qid;
  qid.type = TRY(reader.u8());
  qid.version = TRY(reader.u32());
  qid.path = TRY(reader.u64());
  return qid;
}

Result<Attributes> parse_attributes(MessageReader& reader) {
  constexpr uint64_t kBasic = 0x7ff, kBirth = 0x800;
  uint64_t valid = TRY(reader.u64());
  if ((valid & kBasic) != kBasic) return Errno::Io;
  Attributes result;
  InodeAttributes& inode = result.inode;
  result.qid = TRY(parse_qid(reader));
  uint32_t mode = TRY(reader.u32());
  std::optional<FileType> type = type_of_mode(mode);
  if (!type) return Errno::Io;
  result.type = *type;
  if ((result.type == FileType::Directory) != result.qid.is_directory()) return Errno::Io;
  inode.number = result.qid.path;
  inode.mode = static_cast<uint16_t>(mode & kModeMask);
  inode.uid = TRY(reader.u32());
  inode.gid = TRY(reader.u32());
  inode.links = static_cast<uint32_t>(TRY(reader.u64()));
  inode.device = DeviceNumber::decode(TRY(reader.u64()));
  inode.size = TRY(reader.u64());
  if (inode.size > kMaxSize) return Errno::Io;
  uint64_t block_size = TRY(reader.u64());
  if (block_size == 0 || block_size > kMaxBlockSize) return Errno::Io;
  inode.block_size = static_cast<uint32_t>(block_size);
  inode.blocks = TRY(reader.u64());
  inode.access = TRY(parse_time(reader));
  inode.modify = TRY(parse_time(reader));
  inode.change = TRY(parse_time(reader));
  Timestamp birth = TRY(parse_time(reader));
  inode.birth = (valid & kBirth) != 0 ? birth : Timestamp{};
  TRY(reader.u64());  // generation
  TRY(reader.u64());  // data version
  return result;
}

Result<FileSystemStatistics> parse_statistics(MessageReader& reader) {
  FileSystemStatistics result;
  result.type = TRY(reader.u32());
  result.block_size = TRY(reader.u32());
  result.blocks = TRY(reader.u64());
  result.free_blocks = TRY(reader.u64());
  result.available_blocks = TRY(reader.u64());
  result.files = TRY(reader.u64());
  result.free_files = TRY(reader.u64());
  result.id = TRY(reader.u64());
  result.name_limit = TRY(reader.u32());
  return result;
}

Result<DirectoryEntry> parse_entry(MessageReader& reader) {
  DirectoryEntry entry;
  entry.qid = TRY(parse_qid(reader));
  entry.offset = TRY(reader.u64());
  entry.type = type_of_entry(TRY(reader.u8()));
  entry.name = TRY(reader.string());
  bool possible = !entry.name.empty() && entry.name.size() <= kNameLimit &&
                  !has(entry.name, '/') && !has(entry.name, '\0');
  if (!possible) return Errno::Io;
  return entry;
}

Result<StringView> parse_link(MessageReader& reader) {
  StringView target = TRY(reader.string());
  if (target.size() > kLinkLimit || has(target, '\0')) return Errno::Io;
  return target;
}

}  // namespace kernel::p9
