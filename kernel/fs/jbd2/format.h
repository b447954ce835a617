// SPDX-License-Identifier: MIT
// The on-disk format of a jbd2 journal (kernel.org, ext4/journal.rst): numbers are big-endian.
//
//   superblock | ... log, a ring: ... | fast commit blocks (ext4's own, if any)
//   a transaction in the log:  revoke block*  (descriptor block, data block+)*  commit block
//
// Each log block but the data starts with a header: magic, type, sequence number. A descriptor's
// tags say where the data blocks behind it belong. A revoke block lists blocks whose copies in
// this transaction and older ones are not to be replayed.
#pragma once

#include "lib/big_endian.h"
#include "lib/crc32c.h"

namespace kernel::jbd2 {

inline constexpr uint32_t kMagic = 0xc03b3998;
enum class BlockType : uint32_t {
  Descriptor = 1,
  Commit = 2,
  SuperblockV1 = 3,
  SuperblockV2 = 4,
  Revoke = 5,
};

struct Header {
  uint32_t magic;
  BlockType type;
  uint32_t sequence;
};
inline constexpr size_t kHeaderSize = 12;

inline uint32_t get32(const uint8_t* at) { return get_big_endian<uint32_t>(at); }
inline void put32(uint8_t* at, uint32_t value) { put_big_endian<uint32_t>(at, value); }

inline Header get_header(const uint8_t* block) {
  return {get32(block), BlockType{get32(block + 4)}, get32(block + 8)};
}
inline void put_header(uint8_t* block, BlockType type, uint32_t sequence) {
  put32(block, kMagic);
  put32(block + 4, static_cast<uint32_t>(type));
  put32(block + 8, sequence);
}

namespace superblock {
// Byte offsets.
inline constexpr size_t kBlockSize = 12;
inline constexpr size_t kMaxLen = 16;    // blocks of the journal, this one included
inline constexpr size_t kFirst = 20;     // first block of the log
inline constexpr size_t kSequence = 24;  // of the first transaction to look for
inline constexpr size_t kStart = 28;     // its block; 0: the log is empty
inline constexpr size_t kError = 32;     // negative errno of an abort
inline constexpr size_t kCompat = 36;    // from here on: version 2 only
inline constexpr size_t kIncompat = 40;
inline constexpr size_t kReadOnlyCompat = 44;
inline constexpr size_t kUuid = 48;
inline constexpr size_t kChecksumType = 80;
inline constexpr size_t kFastCommitBlocks = 84;
inline constexpr size_t kHead = 88;
inline constexpr size_t kChecksum = 252;
inline constexpr size_t kSize = 1024;
inline constexpr uint8_t kChecksumCrc32c = 4;
}  // namespace superblock

inline constexpr uint32_t kCompatChecksum = 1;  // commit blocks carry a CRC-32 of the transaction
inline constexpr uint32_t kIncompatRevoke = 1;
inline constexpr uint32_t kIncompat64Bit = 2;
inline constexpr uint32_t kIncompatAsyncCommit = 4;
inline constexpr uint32_t kIncompatChecksumV2 = 8;
inline constexpr uint32_t kIncompatChecksumV3 = 16;
inline constexpr uint32_t kIncompatFastCommit = 32;
inline constexpr uint32_t kIncompatKnown = 63;

enum TagFlag : uint32_t {
  kTagEscaped = 1,   // the block began with the magic number, which was replaced by zero
  kTagSameUuid = 2,  // no UUID follows the tag
  kTagLast = 8,
};

struct Tag {
  uint64_t block;
  uint32_t flags;
  uint32_t checksum;  // 16 bits of it in version 2
};

namespace commit_block {
inline constexpr size_t kChecksumType = 12;
inline constexpr size_t kChecksumSize = 13;
inline constexpr size_t kChecksum = 16;
inline constexpr size_t kSeconds = 48;
inline constexpr size_t kNanoseconds = 56;
inline constexpr uint8_t kCrc32 = 1;
}  // namespace commit_block

inline constexpr size_t kRevokeEntries = 16;  // behind the header and the count of bytes in use
inline constexpr size_t kUuidSize = 16;
inline constexpr size_t kTailSize = 4;  // the checksum at a block's end

// What the features of one journal make of the above.
class Format {
 public:
  enum class Checksum : uint8_t { None, V2, V3 };

  Format() = default;
  Format(uint32_t block_size, uint32_t incompat, std::span<const uint8_t> uuid)
      : block_size_(block_size),
        wide_((incompat & kIncompat64Bit) != 0),
        checksum_((incompat & kIncompatChecksumV3) != 0   ? Checksum::V3
                  : (incompat & kIncompatChecksumV2) != 0 ? Checksum::V2
                                                          : Checksum::None),
        seed_(crc32c(~uint32_t{0}, uuid)) {}

  uint32_t block_size() const { return block_size_; }
  bool wide() const { return wide_; }  // block numbers of 64 bits
  Checksum checksum() const { return checksum_; }
  bool has_checksums() const { return checksum_ != Checksum::None; }

  size_t tag_size() const {
    if (checksum_ == Checksum::V3) return 16;
    return 8 + (checksum_ == Checksum::V2 ? 2 : 0) + (wide_ ? 4 : 0);
  }
  size_t tail_size() const { return has_checksums() ? kTailSize : 0; }
  size_t revoke_entry_size() const { return wide_ ? 8 : 4; }
  uint32_t revokes_per_block() const {
    return static_cast<uint32_t>((block_size_ - kRevokeEntries - tail_size()) /
                                 revoke_entry_size());
  }

  Tag get_tag(const uint8_t* at) const {
    bool v3 = checksum_ == Checksum::V3;
    uint64_t high = wide_ ? get32(at + 8) : 0;
    return {get32(at) | high << 32, v3 ? get32(at + 4) : get_big_endian<uint16_t>(at + 6),
            v3 ? get32(at + 12) : get_big_endian<uint16_t>(at + 4)};
  }
  void put_tag(uint8_t* at, const Tag& tag) const {
    put32(at, static_cast<uint32_t>(tag.block));
    if (wide_) put32(at + 8, static_cast<uint32_t>(tag.block >> 32));
    if (checksum_ == Checksum::V3) {
      if (!wide_) put32(at + 8, 0);
      put32(at + 4, tag.flags);
      put32(at + 12, tag.checksum);
    } else {
      put_big_endian(at + 4, static_cast<uint16_t>(has_checksums() ? tag.checksum : 0));
      put_big_endian(at + 6, static_cast<uint16_t>(tag.flags));
    }
  }

  // Of a data block, as it lies in the log.
  uint32_t data_checksum(uint32_t sequence, const uint8_t* block) const {
    uint8_t number[4];
    put32(number, sequence);
    uint32_t sum = crc32c(crc32c(seed_, number), {block, block_size_});
    return checksum_ == Checksum::V2 ? sum & 0xffff : sum;
  }
  // Of a descriptor, revoke (field at the end) or commit block: with the field itself as zero.
  uint32_t block_checksum(const uint8_t* block, size_t field) const {
    static constexpr uint8_t kZero[4] = {};
    uint32_t sum = crc32c(crc32c(seed_, {block, field}), kZero);
    return crc32c(sum, {block + field + 4, block_size_ - field - 4});
  }
  size_t tail() const { return block_size_ - kTailSize; }
  bool is_valid(const uint8_t* block, size_t field) const {
    return !has_checksums() || get32(block + field) == block_checksum(block, field);
  }
  void seal(uint8_t* block, size_t field) const {
    if (has_checksums()) put32(block + field, block_checksum(block, field));
  }

 private:
  uint32_t block_size_ = 0;
  bool wide_ = false;
  Checksum checksum_ = Checksum::None;
  uint32_t seed_ = 0;
};

}  // namespace kernel::jbd2
