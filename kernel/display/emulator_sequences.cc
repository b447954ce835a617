// SPDX-License-Identifier: MIT
// What the escape sequences do; see emulator.h and console_codes(4), which has the names.

#include "display/emulator.h"
#include "lib/format.h"

namespace kernel::display {

void Emulator::escape() {
  switch (parser_.intermediate()) {
    case 0: break;
    case '(': return select_charset(0, parser_.final());
    case ')': return select_charset(1, parser_.final());
    case '#':
      if (parser_.final() == '8') {  // DECALN
        for (unsigned row = 0; row < rows(); ++row) grid_.fill(row, 0, columns(), pen_.cell('E'));
      }
      return;
    default: return;  // ESC %: the character set is UTF-8 for good
  }
  switch (parser_.final()) {
    case '7': return save();
    case '8': return restore();
    case 'c': return reset();
    case 'D': return line_feed();
    case 'E':
      go_to(cursor_.row, 0);
      return line_feed();
    case 'H':
      tabs_[cursor_.column] = true;
      return;
    case 'M': return reverse_line_feed();
    case 'Z': return reply("\033[?6c");
    default: return;
  }
}

void Emulator::select_charset(size_t set, char which) {
  charsets_[set] = which == '0' ? Charset::LineDrawing : Charset::Ascii;
}

void Emulator::sequence() {
  char final = parser_.final();
  if (parser_.private_mark() != 0) {
    if (parser_.private_mark() == '?' && (final == 'h' || final == 'l'))
      set_private_modes(final == 'h');
    return;
  }
  switch (final) {
    case 'A': case 'B': case 'C': case 'D': case 'E': case 'F': case 'G': case 'H':
    case '`': case 'a': case 'd': case 'e': case 'f':
      return move_cursor(final);
    case '@': case 'L': case 'M': case 'P': case 'X':
      return edit(final);
    case 'J': return erase_display(parser_.parameter(0, 0));
    case 'K': return erase_line(parser_.parameter(0, 0));
    case 'c':
      if (parser_.parameter(0, 0) == 0) reply("\033[?6c");
      return;
    case 'g': return clear_tabs(parser_.parameter(0, 0));
    case 'h': case 'l': return set_modes(final == 'h');
    case 'm': return pen_.select(parser_.parameters());
    case 'n': return report(parser_.parameter(0, 0));
    case 'r': return set_region();
    case 's': return save();
    case 'u': return restore();
    default: return;
  }
}

void Emulator::move_cursor(char final) {
  unsigned count = parser_.parameter(0, 1);
  auto [row, column, visible] = cursor_;
  unsigned up = row - std::min(count, row);
  unsigned down = row + count;
  switch (final) {
    case 'A': return go_to(up, column);
    case 'B': case 'e': return go_to(down, column);
    case 'C': case 'a': return go_to(row, column + count);
    case 'D': return go_to(row, column - std::min(count, column));
    case 'E': return go_to(down, 0);
    case 'F': return go_to(up, 0);
    case 'G': case '`': return go_to(row, count - 1);
    case 'd': return go_to_line(count - 1, column);
    default: return go_to_line(count - 1, parser_.parameter(1, 1) - 1);  // H, f
  }
}

void Emulator::edit(char final) {
  unsigned count = parser_.parameter(0, 1);
  auto [row, column, visible] = cursor_;
  wrap_pending_ = false;
  switch (final) {
    case '@': return grid_.insert(row, column, count, pen_.blank());
    case 'P': return grid_.remove(row, column, count, pen_.blank());
    case 'X': return grid_.fill(row, column, column + count, pen_.blank());
    default: break;
  }
  if (final == 'L') {
    grid_.scroll_down(row, bottom_, count, pen_.blank());
  } else {
    grid_.scroll_up(row, bottom_, count, pen_.blank());
  }
}

void Emulator::erase_display(unsigned what) {
  unsigned from = what == 0 ? cursor_.row + 1 : 0;
  unsigned end = what == 1 ? cursor_.row : rows();
  if (what > 3) return;
  if (what < 2) erase_line(what);
  wrap_pending_ = false;
  for (unsigned row = from; row < end; ++row) grid_.fill(row, 0, columns(), pen_.blank());
}

void Emulator::erase_line(unsigned what) {
  if (what > 2) return;
  unsigned from = what == 0 ? cursor_.column : 0;
  unsigned end = what == 1 ? cursor_.column + 1 : columns();
  wrap_pending_ = false;
  grid_.fill(cursor_.row, from, end, pen_.blank());
}

void Emulator::clear_tabs(unsigned what) {
  if (what == 0) tabs_[cursor_.column] = false;
  if (what != 3) return;
  for (bool& tab : tabs_) tab = false;
}

void Emulator::set_modes(bool on) {
  for (uint16_t mode : parser_.parameters()) {
    if (mode == 4) modes_.insert = on;
    if (mode == 20) modes_.newline = on;
  }
}

void Emulator::set_private_modes(bool on) {
  for (uint16_t mode : parser_.parameters()) {
    switch (mode) {
      case 6:
        modes_.origin = on;
        go_to_line(0, 0);
        break;
      case 7:
        modes_.wrap = on;
        break;
      case 25:
        cursor_.visible = on;
        break;
      default:
        break;
    }
  }
}

// DECSTBM: a region has two rows at least; a wrong one changes nothing.
void Emulator::set_region() {
  unsigned top = parser_.parameter(0, 1);
  unsigned bottom = parser_.parameter(1, rows());
  if (top >= bottom || bottom > rows()) return;
  top_ = top - 1;
  bottom_ = bottom;
  go_to_line(0, 0);
}

// DSR: 5 asks how the terminal is, 6 where the cursor is.
void Emulator::report(unsigned what) {
  if (what == 5) reply("\033[0n");
  if (what != 6) return;
  char text[32];
  BufferSink sink(text);
  unsigned first = modes_.origin ? top_ : 0;
  format(sink, "\033[{};{}R", cursor_.row - std::min(first, cursor_.row) + 1, cursor_.column + 1);
  reply(sink.view());
}

}  // namespace kernel::display
