// SPDX-License-Identifier: MIT
// 9P2000.L: message types, what their answers hold, and the parsers that refuse whatever cannot be
// true. The description of the protocol: diod's protocol.md; Linux's include/net/9p/9p.h has the
// same numbers. Knows no transport and no file system.
#pragma once

#include "fs/9p/message.h"
#include "fs/vfs/super_block.h"

namespace kernel::p9 {

enum class Type : uint8_t {
  Lerror = 7,  // answers only
  StatFs = 8,
  Lopen = 12,
  Lcreate = 14,
  Symlink = 16,
  Mknod = 18,
  ReadLink = 22,
  GetAttr = 24,
  SetAttr = 26,
  XattrWalk = 30,
  XattrCreate = 32,
  ReadDir = 40,
  Fsync = 50,
  Link = 70,
  Mkdir = 72,
  RenameAt = 74,
  UnlinkAt = 76,
  Version = 100,
  Attach = 104,
  Flush = 108,
  Walk = 110,
  Read = 116,
  Write = 118,
  Clunk = 120,
};  // the answer to each is the next number

inline constexpr size_t kHeaderSize = 7;         // size[4] type[1] tag[2]
inline constexpr size_t kAnswerPrefix = 11;      // header and count[4], or header and ecode[4]
inline constexpr uint32_t kIoOverhead = 24;      // what Linux takes off the message size for data
inline constexpr uint16_t kNoTag = 0xffff;
inline constexpr uint32_t kNoFid = ~uint32_t{0};
inline constexpr size_t kNameLimit = 255;
inline constexpr size_t kLinkLimit = 4095;

// What the server calls a file: `path` is unique in it, `version` changes with the contents.
struct Qid {
  uint8_t type = 0;
  uint32_t version = 0;
  uint64_t path = 0;
  bool is_directory() const { return (type & 0x80) != 0; }
};

struct Attributes {
  Qid qid;
  FileType type = FileType::Regular;
  InodeAttributes inode;
  uint64_t asked_at = 0;  // Session::next_time(): of two answers, which is the newer one
};

// Tsetattr's valid bits.
inline constexpr uint32_t kSetMode = 1, kSetUid = 2, kSetGid = 4, kSetSize = 8, kSetAccess = 0x10,
                          kSetModify = 0x20, kSetAccessTo = 0x80, kSetModifyTo = 0x100;

// Tlopen's and Tlcreate's flags: Linux's generic ones, which are not arm64's where those differ.
inline constexpr uint32_t kOpenFlagCreate = 0100, kOpenFlagExclusive = 0200,
                          kOpenFlagAppend = 02000;
inline constexpr uint32_t kUnlinkDirectory = 0x200;  // AT_REMOVEDIR

struct DirectoryEntry {
  Qid qid;
  uint64_t offset;  // of the entry behind it
  FileType type;
  StringView name;
};

// The header of an answer of `received` bytes, of which `bytes` are the first: its own size, the
// type that was asked for, and the tag of the question. Errors: what an Rlerror says; Io when it is
// none of this. The reader stands behind the header.
Result<MessageReader> open_answer(std::span<const uint8_t> bytes, uint32_t received, Type asked,
                                  uint16_t tag);

Result<Qid> parse_qid(MessageReader& reader);
Result<Attributes> parse_attributes(MessageReader& reader);
Result<FileSystemStatistics> parse_statistics(MessageReader& reader);
// The next entry of a directory's bytes.
Result<DirectoryEntry> parse_entry(MessageReader& reader);
Result<StringView> parse_link(MessageReader& reader);

}  // namespace kernel::p9
