// SPDX-License-Identifier: MIT
// What one place of the screen shows, and the colours and attributes with which characters are
// written (SGR, console_codes(4)).
#pragma once

#include <span>

#include "lib/types.h"

namespace kernel::display {

// A colour is one of 16: bit 0 red, bit 1 green, bit 2 blue, bit 3 bright.
inline constexpr uint8_t kBright = 8;
inline constexpr uint8_t kDefaultForeground = 7;
inline constexpr uint8_t kDefaultBackground = 0;

struct Cell {
  char32_t code = ' ';
  uint8_t foreground = kDefaultForeground;
  uint8_t background = kDefaultBackground;
  bool underline = false;
  bool cursor = false;  // the painter's: the cursor stands here
  friend constexpr bool operator==(const Cell&, const Cell&) = default;
};

class Pen {
 public:
  // The parameters of one SGR sequence. Unknown ones change nothing.
  void select(std::span<const uint16_t> parameters);
  // `code` as it looks with this pen.
  Cell cell(char32_t code) const;
  // What erasing leaves: a blank of the background colour.
  Cell blank() const;

 private:
  enum class Intensity : uint8_t { Dim, Normal, Bold };

  void select_one(uint16_t parameter);

  uint8_t foreground_ = kDefaultForeground;
  uint8_t background_ = kDefaultBackground;
  Intensity intensity_ = Intensity::Normal;
  bool underline_ = false;
  bool blink_ = false;
  bool reverse_ = false;
};

}  // namespace kernel::display
