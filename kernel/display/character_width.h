// SPDX-License-Identifier: MIT
// How many columns a character takes on a terminal: the wide blocks of East Asian scripts and of
// pictures (Unicode Standard Annex 11), and what has no width of its own.
#pragma once

#include "lib/types.h"

namespace kernel::display {

constexpr unsigned character_width(char32_t code) {
  struct Span {
    char32_t first, last;
  };
  constexpr Span kNone[] = {{0x0300, 0x036f}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
                            {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
  constexpr Span kWide[] = {
      {0x1100, 0x115f},   {0x2329, 0x232a},   {0x2e80, 0x303e},  {0x3041, 0xa4cf}, {0xa960, 0xa97f},
      {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},  {0xff00, 0xff60}, {0xffe0, 0xffe6},
      {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
  for (Span span : kNone) {
    if (code >= span.first && code <= span.last) return 0;
  }
  for (Span span : kWide) {
    if (code >= span.first && code <= span.last) return 2;
  }
  return 1;
}

}  // namespace kernel::display
