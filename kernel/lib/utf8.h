// SPDX-License-Identifier: MIT
// UTF-8 (RFC 3629) byte by byte. What is not well-formed becomes U+FFFD, and the byte that showed
// it is looked at again, so that a control character is never swallowed.
#pragma once

#include "lib/types.h"

namespace kernel {

class Utf8Decoder {
 public:
  static constexpr char32_t kReplacement = 0xfffd;

  // Calls out(code) for each character that this byte completes: none, one or two.
  template <class Out>
  constexpr void feed(uint8_t byte, Out out) {
    if (missing_ > 0) {
      if ((byte & 0xc0) == 0x80) {
        code_ = code_ << 6 | (byte & 0x3f);
        if (--missing_ == 0) out(is_valid() ? code_ : kReplacement);
        return;
      }
      missing_ = 0;
      out(kReplacement);
    }
    if (byte < 0x80) return out(char32_t{byte});
    if (byte >= 0xc2 && byte < 0xf5) {
      missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      smallest_ = byte < 0xe0 ? 0x80 : byte < 0xf0 ? 0x800 : 0x10000;
      code_ = byte & (0x3fu >> missing_);
      return;
    }
    out(kReplacement);
  }

 private:
  constexpr bool is_valid() const {
    return code_ >= smallest_ && code_ <= 0x10ffff && (code_ < 0xd800 || code_ > 0xdfff);
  }
  char32_t code_ = 0;
  char32_t smallest_ = 0;  // what fewer bytes could have said is not well-formed
  uint8_t missing_ = 0;
};

}  // namespace kernel
