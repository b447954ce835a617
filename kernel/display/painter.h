// SPDX-License-Identifier: MIT
// Draws cells as pixels, and only those that differ from what is on the screen. The caller
// serialises.
#pragma once

#include "dev/framebuffer.h"
#include "display/font.h"
#include "display/pen.h"
#include "lib/vector.h"

namespace kernel::display {

class Painter {
 public:
  // The screen is black. Errors: NoMem.
  static Result<Painter> create(const Framebuffer& screen, const Font& font);

  // What fits; 0 of either when the screen is smaller than a character.
  unsigned columns() const { return columns_; }
  unsigned rows() const { return rows_; }
  // Cells beyond the edge are not drawn.
  void paint(unsigned row, unsigned column, const Cell& cell);

 private:
  Painter(const Framebuffer& screen, const Font& font);
  void draw(unsigned row, unsigned column, const Cell& cell);

  const Framebuffer* screen_;
  const Font* font_;
  unsigned scale_;  // a font's pixel is so many of the screen's wide and high
  unsigned columns_;
  unsigned rows_;
  Vector<Cell> shown_;
};

// 0x00RRGGBB of one of the 16 colours.
uint32_t colour_value(uint8_t colour);

}  // namespace kernel::display
