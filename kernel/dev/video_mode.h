// SPDX-License-Identifier: MIT
// The resolution of a display, and the kernel argument that chooses it (Linux's fb/modedb):
// video=[NAME:]WIDTHxHEIGHT[M][R][-BITS][@RATE][i][m]. Of all this a framebuffer in memory has the
// width, the height and 32 bits a pixel.
#pragma once

#include "lib/string_view.h"

namespace kernel {

struct VideoMode {
  uint32_t width = 0;
  uint32_t height = 0;
  friend constexpr bool operator==(VideoMode, VideoMode) = default;
};

// What displays have, and what multiplies without overflow.
inline constexpr uint32_t kSmallestSide = 16;
inline constexpr uint32_t kLargestSide = 16'000;

// Cuts a number off the front.
constexpr std::optional<uint32_t> take_side(StringView& text) {
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  std::optional<uint64_t> value = text.substr(0, digits).to_number();
  text = text.substr(digits);
  if (!value || *value < kSmallestSide || *value > kLargestSide) return std::nullopt;
  return static_cast<uint32_t>(*value);
}

// Nothing when it is not such a mode, or one that cannot be.
constexpr std::optional<VideoMode> parse_video_mode(StringView text) {
  if (size_t colon = text.find(':'); colon != StringView::npos) text = text.substr(colon + 1);
  std::optional<uint32_t> width = take_side(text);
  if (!width || text.empty() || text.front() != 'x') return std::nullopt;
  text = text.substr(1);
  std::optional<uint32_t> height = take_side(text);
  if (!height) return std::nullopt;
  for (; !text.empty(); text = text.substr(1)) {
    if (text.front() == '@') break;  // a rate: nothing here has one
    if (text.front() == '-' && text.substr(0, 3) != "-32" && text.substr(0, 3) != "-24")
      return std::nullopt;
    if (StringView("MRim-").find(text.front()) == StringView::npos &&
        StringView::digit_value(text.front()) > 9)
      return std::nullopt;
  }
  return VideoMode{*width, *height};
}

}  // namespace kernel
