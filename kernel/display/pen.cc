// SPDX-License-Identifier: MIT
// See pen.h. As on Linux's console, brightness of a character is the same thing as boldness, that
// of a background as blinking, and the 256 and 2^24 colours of others are the nearest there is.

#include "display/pen.h"

#include <optional>

namespace kernel::display {
namespace {

struct Rgb {
  uint8_t red, green, blue;
};

// xterm's palette: 8 dark, 8 bright, a 6x6x6 cube, 24 greys.
Rgb palette_colour(uint16_t index) {
  auto level = [](unsigned step) { return static_cast<uint8_t>(step * 255 / 6); };
  if (index < 16) {
    auto part = [index](unsigned bit) {
      bool set = (index >> bit & 1) != 0;
      if (index < kBright) return static_cast<uint8_t>(set ? 0xaa : 0);
      return static_cast<uint8_t>(set ? 0xff : 0x55);
    };
    return {part(0), part(1), part(2)};
  }
  if (index < 232) {
    unsigned cube = index - 16u;
    return {level(cube / 36), level(cube / 6 % 6), level(cube % 6)};
  }
  auto grey = static_cast<uint8_t>(8 + 10 * (index - 232));
  return {grey, grey, grey};
}

// A hue from the components that are more than half of the largest; brightness from the largest.
uint8_t nearest_foreground(Rgb colour) {
  uint8_t largest = std::max(colour.red, std::max(colour.green, colour.blue));
  auto bit = [largest](uint8_t part, unsigned position) {
    return part > largest / 2 ? 1u << position : 0u;
  };
  unsigned hue = bit(colour.red, 0) | bit(colour.green, 1) | bit(colour.blue, 2);
  if (hue == 7 && largest <= 0x55) return kBright;  // dark grey
  return static_cast<uint8_t>(hue | (largest > 0xaa ? kBright : 0u));
}

// Backgrounds are the eight dark colours.
uint8_t nearest_background(Rgb colour) {
  return static_cast<uint8_t>((colour.red >> 7) | (colour.green >> 7) << 1 |
                              (colour.blue >> 7) << 2);
}

// 38 and 48: "5;index" or "2;red;green;blue". Returns how many parameters belong to it.
size_t read_colour(std::span<const uint16_t> parameters, std::optional<Rgb>& colour) {
  if (parameters.size() >= 2 && parameters[0] == 5) {
    if (parameters[1] < 256) colour = palette_colour(parameters[1]);
    return 2;
  }
  if (parameters.size() >= 4 && parameters[0] == 2) {
    colour = Rgb{static_cast<uint8_t>(parameters[1]), static_cast<uint8_t>(parameters[2]),
                 static_cast<uint8_t>(parameters[3])};
    return 4;
  }
  return parameters.size();  // nobody knows where the next one begins
}

}  // namespace

void Pen::select(std::span<const uint16_t> parameters) {
  if (parameters.empty()) *this = Pen();
  while (!parameters.empty()) {
    uint16_t parameter = parameters[0];
    parameters = parameters.subspan(1);
    if (parameter != 38 && parameter != 48) {
      select_one(parameter);
      continue;
    }
    std::optional<Rgb> colour;
    parameters = parameters.subspan(read_colour(parameters, colour));
    if (!colour) continue;
    if (parameter == 38) {
      uint8_t nearest = nearest_foreground(*colour);
      foreground_ = nearest & 7;
      intensity_ = (nearest & kBright) != 0 ? Intensity::Bold : Intensity::Normal;
    } else {
      background_ = nearest_background(*colour);
    }
  }
}

void Pen::select_one(uint16_t parameter) {
  auto in = [parameter](unsigned first) { return parameter >= first && parameter < first + 8; };
  if (in(30)) foreground_ = static_cast<uint8_t>(parameter - 30);
  if (in(40)) background_ = static_cast<uint8_t>(parameter - 40);
  if (in(90)) {
    foreground_ = static_cast<uint8_t>(parameter - 90);
    intensity_ = Intensity::Bold;
  }
  if (in(100)) background_ = static_cast<uint8_t>(parameter - 100);
  switch (parameter) {
    case 0: *this = Pen(); break;
    case 1: intensity_ = Intensity::Bold; break;
    case 2: intensity_ = Intensity::Dim; break;
    case 4: case 21: underline_ = true; break;
    case 5: blink_ = true; break;
    case 7: reverse_ = true; break;
    case 22: intensity_ = Intensity::Normal; break;
    case 24: underline_ = false; break;
    case 25: blink_ = false; break;
    case 27: reverse_ = false; break;
    case 39: foreground_ = kDefaultForeground; break;
    case 49: background_ = kDefaultBackground; break;
    default: break;
  }
}

Cell Pen::cell(char32_t code) const {
  uint8_t front = foreground_;
  uint8_t back = background_;
  if (intensity_ == Intensity::Bold) front |= kBright;
  if (intensity_ == Intensity::Dim) front = kBright;  // grey
  if (blink_) back |= kBright;
  if (reverse_) {
    // The hues change places; brightness stays with the place.
    auto swapped = static_cast<uint8_t>((front & kBright) | (back & 7));
    back = static_cast<uint8_t>((back & kBright) | (front & 7));
    front = swapped;
  }
  return {code, front, back, underline_, false};
}

Cell Pen::blank() const {
  auto back = static_cast<uint8_t>(background_ | (blink_ ? kBright : 0));
  return {' ', foreground_, back, false, false};
}

}  // namespace kernel::display
