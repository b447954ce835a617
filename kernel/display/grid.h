// SPDX-License-Identifier: MIT
// The cells of a text screen: rows that can be moved as a whole, and which of them have changed. No
// row or column beyond the edge can be named: arguments are cut to the screen. Not synchronised.
#pragma once

#include "display/pen.h"
#include "lib/vector.h"

namespace kernel::display {

class Grid {
 public:
  // Errors: NoMem. A grid without rows or columns is one that nothing can be written to.
  static Result<Grid> create(unsigned columns, unsigned rows);

  unsigned columns() const { return columns_; }
  unsigned rows() const { return static_cast<unsigned>(lines_.size()); }
  bool empty() const { return columns() == 0 || rows() == 0; }
  std::span<const Cell> row(unsigned row) const { return {line(row), columns_}; }

  void set(unsigned row, unsigned column, Cell cell);
  void fill(unsigned row, unsigned from, unsigned end, Cell cell);  // [from, end)
  // Shifts the rest of the row right or left.
  void insert(unsigned row, unsigned column, unsigned count, Cell blank);
  void remove(unsigned row, unsigned column, unsigned count, Cell blank);
  // Rows [top, bottom) move up or down by `count`; blank ones follow.
  void scroll_up(unsigned top, unsigned bottom, unsigned count, Cell blank);
  void scroll_down(unsigned top, unsigned bottom, unsigned count, Cell blank);

  void mark(unsigned row);
  // Whether the row has changed since it was last asked.
  bool take_changed(unsigned row) { return std::exchange(lines_[row].changed, false); }

 private:
  // Where a row's cells are: scrolling moves these.
  struct Line {
    uint32_t first = 0;
    bool changed = false;
  };
  Grid(Vector<Cell> cells, Vector<Line> lines, unsigned columns)
      : cells_(std::move(cells)), lines_(std::move(lines)), columns_(columns) {}

  Cell* line(unsigned row) { return cells_.data() + lines_[row].first; }
  const Cell* line(unsigned row) const { return cells_.data() + lines_[row].first; }
  void rotate(unsigned top, unsigned bottom, unsigned count);
  void reverse(unsigned top, unsigned bottom);

  Vector<Cell> cells_;
  Vector<Line> lines_;
  unsigned columns_;
};

}  // namespace kernel::display
