// SPDX-License-Identifier: MIT
// A push parser for "newc" cpio archives (cpio(5); Linux:
// driver-api/early-userspace/buffer-format), fed in pieces of any size. It knows the format only;
// what becomes of the entries is the receiver's. It trusts nothing: whatever is malformed ends it
// with a message.
#pragma once

#include <span>

#include "lib/result.h"
#include "lib/string.h"

namespace kernel {

struct CpioEntry {
  uint32_t inode = 0;
  uint32_t mode = 0;       // type and permissions, as st_mode
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t links = 0;
  uint32_t modified = 0;   // seconds since 1970
  uint32_t size = 0;
  uint32_t device_major = 0, device_minor = 0;        // together with inode: hard links
  uint32_t own_device_major = 0, own_device_minor = 0;  // of a device node
};

class CpioReceiver {
 public:
  // The name has no NUL, and is not empty. An error ends the parsing.
  virtual Result<> begin(const CpioEntry& entry, StringView name) = 0;
  virtual Result<> data(std::span<const uint8_t> piece) = 0;
  virtual Result<> end() = 0;
  // "TRAILER!!!": hard links do not reach beyond it.
  virtual void archive_end() = 0;

 protected:
  ~CpioReceiver() = default;
};

class CpioParser {
 public:
  explicit CpioParser(CpioReceiver& receiver) : receiver_(receiver) {}

  // Consumes up to the end of the piece, or of the archive when something that is no cpio archive
  // comes behind it (another, compressed one): returns how much was consumed. Error: Inval, see
  // problem().
  Result<size_t> feed(std::span<const uint8_t> piece);
  // Nothing more comes. Error: Inval when an archive is cut off.
  Result<> finish();
  // Between archives: what comes next may be anything.
  bool is_between_archives() const { return state_ == State::Gap; }
  StringView problem() const { return problem_; }
  StringView name() const { return name_.view(); }  // of the entry that the problem is in

 private:
  enum class State : uint8_t { Gap, Header, Name, Data };
  static constexpr size_t kHeaderSize = 110;
  static constexpr size_t kNameLimit = 4096;

  Result<> fail(StringView problem);
  Result<size_t> step(std::span<const uint8_t> piece);
  Result<> parse_header();
  Result<> check_entry();
  Result<> finish_name();
  Result<> finish_entry();
  Result<size_t> take_name(std::span<const uint8_t> piece);
  Result<size_t> take_data(std::span<const uint8_t> piece);

  CpioReceiver& receiver_;
  State state_ = State::Gap;
  bool checksum_wanted_ = false;  // "070702"
  uint32_t checksum_ = 0;
  uint32_t checksum_seen_ = 0;
  uint8_t header_[kHeaderSize] = {};
  size_t header_used_ = 0;
  CpioEntry entry_;
  uint32_t name_size_ = 0;        // with its NUL
  uint64_t position_ = 0;         // within the entry, from the start of its header
  uint64_t data_end_ = 0;
  String name_;
  StringView problem_;
};

}  // namespace kernel
