// SPDX-License-Identifier: MIT
// Characters, controls and the cursor; see emulator.h.

#include "display/emulator.h"

#include "display/character_width.h"

namespace kernel::display {
namespace {

constexpr unsigned kTabWidth = 8;

// DEC Special Graphics, U+005F to U+007E, as Unicode.
constexpr char16_t kLineDrawing[] = {
    0x00a0, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b,
    0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c,
    0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7};
static_assert(std::size(kLineDrawing) == 0x7f - 0x5f);

}  // namespace

Result<Emulator> Emulator::create(unsigned columns, unsigned rows) {
  Vector<bool> tabs;
  TRY(tabs.resize(columns));
  Emulator emulator(TRY(Grid::create(columns, rows)), std::move(tabs));
  emulator.bottom_ = rows;
  emulator.reset_tabs();
  return emulator;
}

void Emulator::write(std::span<const uint8_t> bytes) {
  if (grid_.empty()) return;
  Cursor before = cursor_;
  for (uint8_t byte : bytes) decoder_.feed(byte, [this](char32_t code) { take(code); });
  if (before == cursor_) return;
  grid_.mark(before.row);
  grid_.mark(cursor_.row);
}

void Emulator::write_plain(StringView text) {
  if (grid_.empty()) return;
  Cursor before = cursor_;
  Pen pen = std::exchange(pen_, Pen());
  Modes modes = std::exchange(modes_, Modes());
  std::array<Charset, 2> charsets = std::exchange(charsets_, {});
  for (char c : text) {
    plain_decoder_.feed(static_cast<uint8_t>(c), [this](char32_t code) {
      if (code == '\n') go_to(cursor_.row, 0);
      if (code == '\n' || code == '\t' || code == '\r') return control(code);
      print(code < 0x20 || code == 0x7f ? Utf8Decoder::kReplacement : code);
    });
  }
  pen_ = pen;
  modes_ = modes;
  charsets_ = charsets;
  grid_.mark(before.row);
  grid_.mark(cursor_.row);
}

size_t Emulator::take_reply(std::span<uint8_t> to) {
  size_t count = std::min(to.size(), reply_size_);
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<uint8_t>(reply_[i]);
  reply_size_ = 0;
  return count;
}

void Emulator::recover() {
  if (grid_.empty()) return;
  parser_.reset();
  pen_ = Pen();
  modes_ = Modes();
  charsets_ = {};
  top_ = 0;
  bottom_ = rows();
  go_to(cursor_.row, cursor_.column);
  for (unsigned row = 0; row < rows(); ++row) grid_.mark(row);
}

void Emulator::take(char32_t code) {
  switch (parser_.feed(code)) {
    case EscapeParser::Event::None: break;
    case EscapeParser::Event::Print: print(code); break;
    case EscapeParser::Event::Control: control(code); break;
    case EscapeParser::Event::Escape: escape(); break;
    case EscapeParser::Event::Sequence: sequence(); break;
  }
}

void Emulator::print(char32_t code) {
  if (charsets_[charset_] == Charset::LineDrawing && code >= 0x5f && code < 0x7f)
    code = kLineDrawing[code - 0x5f];
  unsigned width = std::min(character_width(code), columns());
  if (width == 0) return;
  if (wrap_pending_ || cursor_.column + width > columns()) {
    if (modes_.wrap) {
      go_to(cursor_.row, 0);
      line_feed();
    } else {
      go_to(cursor_.row, columns() - width);
    }
  }
  if (modes_.insert) grid_.insert(cursor_.row, cursor_.column, width, pen_.blank());
  grid_.set(cursor_.row, cursor_.column, pen_.cell(code));
  // No font here has wide characters; what counts is that the columns are those of the program.
  if (width == 2) grid_.set(cursor_.row, cursor_.column + 1, pen_.cell(' '));
  if (cursor_.column + width < columns()) {
    cursor_.column += width;
  } else {
    cursor_.column = columns() - 1;
    wrap_pending_ = modes_.wrap;
  }
}

void Emulator::control(char32_t code) {
  switch (code) {
    case '\b':
      if (cursor_.column > 0) go_to(cursor_.row, cursor_.column - 1);
      wrap_pending_ = false;
      break;
    case '\t':
      next_tab();
      break;
    case '\n': case '\v': case '\f':
      line_feed();
      if (modes_.newline) go_to(cursor_.row, 0);
      break;
    case '\r':
      go_to(cursor_.row, 0);
      break;
    case 0x0e: case 0x0f:  // SO, SI
      charset_ = code == 0x0e;
      break;
    default:
      break;
  }
}

void Emulator::go_to(unsigned row, unsigned column) {
  unsigned first = modes_.origin ? top_ : 0;
  unsigned end = modes_.origin ? bottom_ : rows();
  cursor_.row = std::min(std::max(row, first), end - 1);
  cursor_.column = std::min(column, columns() - 1);
  wrap_pending_ = false;
}

void Emulator::go_to_line(unsigned line, unsigned column) {
  go_to(modes_.origin ? top_ + line : line, column);
}

void Emulator::line_feed() {
  wrap_pending_ = false;
  if (cursor_.row + 1 == bottom_) {
    grid_.scroll_up(top_, bottom_, 1, pen_.blank());
  } else if (cursor_.row + 1 < rows()) {
    ++cursor_.row;
  }
}

void Emulator::reverse_line_feed() {
  wrap_pending_ = false;
  if (cursor_.row == top_) {
    grid_.scroll_down(top_, bottom_, 1, pen_.blank());
  } else if (cursor_.row > 0) {
    --cursor_.row;
  }
}

void Emulator::next_tab() {
  unsigned column = cursor_.column;
  while (column + 1 < columns() && !tabs_[++column]) {
  }
  go_to(cursor_.row, column);
}

void Emulator::reset_tabs() {
  for (unsigned column = 0; column < columns(); ++column) tabs_[column] = column % kTabWidth == 0;
}

void Emulator::reset() {
  recover();
  reset_tabs();
  charset_ = 0;
  cursor_.visible = true;
  go_to(0, 0);
  save();
  erase_display(2);
}

void Emulator::restore() {
  pen_ = saved_.pen;
  charsets_ = saved_.charsets;
  charset_ = saved_.charset;
  go_to(saved_.row, saved_.column);
}

void Emulator::reply(StringView text) {
  for (char c : text) {
    if (reply_size_ < reply_.size()) reply_[reply_size_++] = c;
  }
}

}  // namespace kernel::display
