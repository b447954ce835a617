// SPDX-License-Identifier: MIT
// See cpio.h.
//
//   header, 110 bytes of ASCII | name, NUL | zeros up to a multiple of 4 | data | zeros up to one
//   of 4

#include "fs/initramfs/cpio.h"

namespace kernel {
namespace {

constexpr uint32_t kTypeMask = 0170000, kDirectory = 0040000, kRegular = 0100000,
                   kSymlink = 0120000, kCharDevice = 0020000, kBlockDevice = 0060000,
                   kFifo = 0010000, kSocket = 0140000;
constexpr size_t kTargetLimit = 4095;  // of a symbolic link

constexpr uint64_t padded(uint64_t size) { return align_up(size, 4); }

// Eight hexadecimal digits.
std::optional<uint32_t> parse_field(const uint8_t* digits) {
  uint32_t value = 0;
  for (size_t i = 0; i < 8; ++i) {
    unsigned digit = StringView::digit_value(static_cast<char>(digits[i]));
    if (digit >= 16) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

}  // namespace

Result<> CpioParser::fail(StringView problem) {
  problem_ = problem;
  return Errno::Inval;
}

Result<size_t> CpioParser::feed(std::span<const uint8_t> piece) {
  size_t consumed = 0;
  while (consumed < piece.size()) {
    size_t taken = TRY(step(piece.subspan(consumed)));
    if (taken == 0) break;
    consumed += taken;
  }
  return consumed;
}

Result<> CpioParser::finish() {
  if (state_ == State::Gap) return {};
  if (state_ == State::Header && header_used_ == 0)
    return fail("an archive ends without TRAILER!!!");
  return fail("the archive is cut off");
}

// Consumes at least one byte, or nothing when something else than cpio begins here.
Result<size_t> CpioParser::step(std::span<const uint8_t> piece) {
  switch (state_) {
    case State::Gap:
      if (piece[0] == 0) return size_t{1};
      if (piece[0] != '0') return size_t{0};
      state_ = State::Header;
      header_used_ = 0;
      return step(piece);
    case State::Header: {
      size_t wanted = kHeaderSize - header_used_;
      size_t count = piece.size() < wanted ? piece.size() : wanted;
      __builtin_memcpy(header_ + header_used_, piece.data(), count);
      header_used_ += count;
      if (header_used_ == kHeaderSize) TRY(parse_header());
      return count;
    }
    case State::Name: return take_name(piece);
    case State::Data: return take_data(piece);
  }
  return Errno::Inval;
}

Result<> CpioParser::parse_header() {
  name_.clear();
  StringView magic(reinterpret_cast<const char*>(header_), 6);
  if (magic != "070701" && magic != "070702") return fail("no newc header where one should be");
  checksum_wanted_ = magic == "070702";
  uint32_t fields[13];
  for (size_t i = 0; i < 13; ++i) {
    std::optional<uint32_t> field = parse_field(header_ + 6 + 8 * i);
    if (!field) return fail("a header field is no hexadecimal number");
    fields[i] = *field;
  }
  entry_ = {.inode = fields[0],
            .mode = fields[1],
            .uid = fields[2],
            .gid = fields[3],
            .links = fields[4],
            .modified = fields[5],
            .size = fields[6],
            .device_major = fields[7],
            .device_minor = fields[8],
            .own_device_major = fields[9],
            .own_device_minor = fields[10]};
  name_size_ = fields[11];
  checksum_ = fields[12];
  checksum_seen_ = 0;
  if (name_size_ < 2 || name_size_ > kNameLimit) return fail("a name is empty or too long");
  position_ = kHeaderSize;
  data_end_ = padded(kHeaderSize + name_size_) + entry_.size;
  state_ = State::Name;
  return {};
}

// The name with its NUL, then the padding.
Result<size_t> CpioParser::take_name(std::span<const uint8_t> piece) {
  uint64_t name_end = kHeaderSize + name_size_;
  if (position_ < name_end) {
    uint64_t wanted = name_end - position_;
    size_t count = piece.size() < wanted ? piece.size() : static_cast<size_t>(wanted);
    TRY(name_.append(StringView(reinterpret_cast<const char*>(piece.data()), count)));
    position_ += count;
    if (position_ == name_end && position_ == padded(name_end)) TRY(finish_name());
    return count;
  }
  if (piece[0] != 0) TRY(fail("the padding behind a name is not zero"));
  if (++position_ == padded(name_end)) TRY(finish_name());
  return size_t{1};
}

Result<> CpioParser::check_entry() {
  StringView name = name_;
  if (name.find('\0') != StringView::npos) return fail("a name contains a NUL");
  uint32_t type = entry_.mode & kTypeMask;
  switch (type) {
    case kRegular: break;
    case kSymlink:
      if (entry_.size == 0 || entry_.size > kTargetLimit)
        return fail("a link's target is empty or too long");
      break;
    case kDirectory:
    case kCharDevice:
    case kBlockDevice:
    case kFifo:
    case kSocket:
      if (entry_.size != 0) return fail("something that has no contents has a size");
      break;
    default: return fail("an entry has no known type");
  }
  return {};
}

Result<> CpioParser::finish_name() {
  size_t length = name_.size() - 1;
  if (name_.view()[length] != '\0') return fail("a name does not end where it should");
  name_.truncate(length);
  if (name_.view() == "TRAILER!!!") {
    if (entry_.size != 0) return fail("the trailer has contents");
    state_ = State::Gap;
    receiver_.archive_end();
    return {};
  }
  TRY(check_entry());
  TRY(receiver_.begin(entry_, name_));
  state_ = State::Data;
  return padded(data_end_) == position_ ? finish_entry() : Result<>();
}

Result<size_t> CpioParser::take_data(std::span<const uint8_t> piece) {
  if (position_ < data_end_) {
    uint64_t wanted = data_end_ - position_;
    size_t count = piece.size() < wanted ? piece.size() : static_cast<size_t>(wanted);
    if (checksum_wanted_) {
      for (uint8_t byte : piece.first(count)) checksum_seen_ += byte;
    }
    TRY(receiver_.data(piece.first(count)));
    position_ += count;
    if (position_ == padded(data_end_)) TRY(finish_entry());
    return count;
  }
  if (piece[0] != 0) TRY(fail("the padding behind contents is not zero"));
  if (++position_ == padded(data_end_)) TRY(finish_entry());
  return size_t{1};
}

Result<> CpioParser::finish_entry() {
  if (checksum_wanted_ && checksum_seen_ != checksum_) return fail("a checksum is wrong");
  TRY(receiver_.end());
  state_ = State::Header;
  header_used_ = 0;
  return {};
}

}  // namespace kernel
