// SPDX-License-Identifier: MIT
// See painter.h.

#include "display/painter.h"

#include <array>

namespace kernel::display {
namespace {

constexpr unsigned kCursorHeight = 2;  // rows at the bottom of the cell
// Above this height the font's pixels are drawn as squares, so that text stays readable on a screen
// of the same size with more pixels.
constexpr unsigned kHeightOfScaleOne = 1440;

// The colours of VGA's text mode, in ANSI's order.
constexpr std::array<uint32_t, 16> kColours = {
    0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
    0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff};

}  // namespace

uint32_t colour_value(uint8_t colour) { return kColours[colour % kColours.size()]; }

Painter::Painter(const Framebuffer& screen, const Font& font)
    : screen_(&screen),
      font_(&font),
      scale_(1 + screen.height / (kHeightOfScaleOne + 1)),
      columns_(screen.width / (font.width * scale_)),
      rows_(screen.height / (font.height * scale_)) {}

Result<Painter> Painter::create(const Framebuffer& screen, const Font& font) {
  Painter painter(screen, font);
  TRY(painter.shown_.resize(size_t{painter.columns_} * painter.rows_));
  return painter;
}

void Painter::paint(unsigned row, unsigned column, const Cell& cell) {
  if (row >= rows_ || column >= columns_) return;
  Cell& shown = shown_[size_t{row} * columns_ + column];
  if (shown == cell) return;
  shown = cell;
  draw(row, column, cell);
}

void Painter::draw(unsigned row, unsigned column, const Cell& cell) {
  std::span<const uint8_t> glyph = font_->glyph(cell.code);
  uint32_t front = colour_value(cell.foreground);
  uint32_t back = colour_value(cell.background);
  uint32_t* line = screen_->pixels + size_t{row} * font_->height * scale_ * screen_->stride +
                   size_t{column} * font_->width * scale_;
  for (unsigned y = 0; y < font_->height; ++y) {
    bool solid = (cell.underline && y + 1 == font_->height) ||
                 (cell.cursor && y + kCursorHeight >= font_->height);
    for (unsigned repeat = 0; repeat < scale_; ++repeat, line += screen_->stride) {
      uint32_t* pixel = line;
      for (unsigned x = 0; x < font_->width; ++x) {
        bool set = (glyph[y * font_->row_size() + x / 8] << (x % 8) & 0x80) != 0;
        for (unsigned i = 0; i < scale_; ++i) *pixel++ = set || solid ? front : back;
      }
    }
  }
}

}  // namespace kernel::display
