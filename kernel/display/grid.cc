// SPDX-License-Identifier: MIT
// See grid.h.

#include "display/grid.h"

namespace kernel::display {

Result<Grid> Grid::create(unsigned columns, unsigned rows) {
  size_t size;
  if (__builtin_mul_overflow(size_t{columns}, size_t{rows}, &size) || size > ~uint32_t{0})
    return Errno::NoMem;
  Vector<Cell> cells;
  Vector<Line> lines;
  TRY(cells.resize(size));
  TRY(lines.resize(rows));
  for (unsigned row = 0; row < rows; ++row) lines[row].first = row * columns;
  return Grid(std::move(cells), std::move(lines), columns);
}

void Grid::mark(unsigned row) {
  if (row < rows()) lines_[row].changed = true;
}

void Grid::set(unsigned row, unsigned column, Cell cell) { fill(row, column, column + 1, cell); }

void Grid::fill(unsigned row, unsigned from, unsigned end, Cell cell) {
  if (row >= rows()) return;
  end = std::min(end, columns_);
  for (unsigned column = from; column < end; ++column) line(row)[column] = cell;
  mark(row);
}

void Grid::insert(unsigned row, unsigned column, unsigned count, Cell blank) {
  if (row >= rows() || column >= columns_) return;
  count = std::min(count, columns_ - column);
  for (unsigned to = columns_; to-- > column + count;) line(row)[to] = line(row)[to - count];
  fill(row, column, column + count, blank);
}

void Grid::remove(unsigned row, unsigned column, unsigned count, Cell blank) {
  if (row >= rows() || column >= columns_) return;
  count = std::min(count, columns_ - column);
  for (unsigned to = column; to + count < columns_; ++to) line(row)[to] = line(row)[to + count];
  fill(row, columns_ - count, columns_, blank);
}

void Grid::scroll_up(unsigned top, unsigned bottom, unsigned count, Cell blank) {
  bottom = std::min(bottom, rows());
  if (top >= bottom) return;
  count = std::min(count, bottom - top);
  rotate(top, bottom, count);
  for (unsigned row = bottom - count; row < bottom; ++row) fill(row, 0, columns_, blank);
}

void Grid::scroll_down(unsigned top, unsigned bottom, unsigned count, Cell blank) {
  bottom = std::min(bottom, rows());
  if (top >= bottom) return;
  count = std::min(count, bottom - top);
  rotate(top, bottom, bottom - top - count);
  for (unsigned row = top; row < top + count; ++row) fill(row, 0, columns_, blank);
}

// The first `count` rows of [top, bottom) become the last ones: three reversals.
void Grid::rotate(unsigned top, unsigned bottom, unsigned count) {
  reverse(top, top + count);
  reverse(top + count, bottom);
  reverse(top, bottom);
  for (unsigned row = top; row < bottom; ++row) mark(row);
}

void Grid::reverse(unsigned top, unsigned bottom) {
  for (; top + 1 < bottom; ++top, --bottom) std::swap(lines_[top], lines_[bottom - 1]);
}

}  // namespace kernel::display
