// SPDX-License-Identifier: MIT
// A bitmap font. The console's comes from a Debian package (docs/dependencies.md), of which
// tools/make_font.py makes the source that defines console_font.
#pragma once

#include <span>

#include "lib/types.h"

namespace kernel::display {

struct Font {
  struct Mapping {
    char16_t code;  // sorted
    uint16_t glyph;
  };
  unsigned width;
  unsigned height;
  // Glyph after glyph, row after row; the highest bit is the leftmost pixel, rows fill up bytes.
  std::span<const uint8_t> bits;
  std::span<const Mapping> mappings;

  constexpr unsigned row_size() const { return (width + 7) / 8; }
  // The rows of the character's picture; that of U+FFFD, else of a question mark, when it has none.
  std::span<const uint8_t> glyph(char32_t code) const;
};

extern const Font console_font;

}  // namespace kernel::display
