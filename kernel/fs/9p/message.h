// SPDX-License-Identifier: MIT
// The bytes of one 9P message: numbers in little-endian order, strings with 16 bits of length in
// front. A writer that has run out of room says so at its end; a reader never looks beyond its
// bytes, whatever the server wrote.
#pragma once

#include <span>

#include "lib/result.h"
#include "lib/string_view.h"
#include "lib/types.h"

namespace kernel::p9 {

class MessageWriter {
 public:
  explicit MessageWriter(std::span<uint8_t> room) : room_(room) {}

  void u8(uint8_t value) { number(value, 1); }
  void u16(uint16_t value) { number(value, 2); }
  void u32(uint32_t value) { number(value, 4); }
  void u64(uint64_t value) { number(value, 8); }
  void string(StringView text) {
    if (text.size() > 0xffff) overflow_ = true;
    u16(static_cast<uint16_t>(text.size()));
    for (char c : text) u8(static_cast<uint8_t>(c));
  }
  // Over what was written before, such as the message's own size.
  void u32_at(size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) room_[at + i] = static_cast<uint8_t>(value >> 8 * i);
  }
  size_t size() const { return used_; }
  bool overflowed() const { return overflow_; }

 private:
  void number(uint64_t value, size_t bytes) {
    if (overflow_ || room_.size() - used_ < bytes) {
      overflow_ = true;
      return;
    }
    for (size_t i = 0; i < bytes; ++i) room_[used_++] = static_cast<uint8_t>(value >> 8 * i);
  }
  std::span<uint8_t> room_;
  size_t used_ = 0;
  bool overflow_ = false;
};

// Error of everything that is too short: Io.
class MessageReader {
 public:
  explicit MessageReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  Result<uint8_t> u8() { return number<uint8_t>(); }
  Result<uint16_t> u16() { return number<uint16_t>(); }
  Result<uint32_t> u32() { return number<uint32_t>(); }
  Result<uint64_t> u64() { return number<uint64_t>(); }
  // Valid as long as the bytes are.
  Result<StringView> string() {
    size_t size = TRY(u16());
    if (left() < size) return Errno::Io;
    StringView text(reinterpret_cast<const char*>(bytes_.data() + at_), size);
    at_ += size;
    return text;
  }
  size_t left() const { return bytes_.size() - at_; }

 private:
  template <class T>
  Result<T> number() {
    if (left() < sizeof(T)) return Errno::Io;
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) value |= uint64_t{bytes_[at_++]} << 8 * i;
    return static_cast<T>(value);
  }
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

}  // namespace kernel::p9
