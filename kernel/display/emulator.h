// SPDX-License-Identifier: MIT
// The terminal that TERM=linux names (terminfo(5) "linux", console_codes(4)): bytes in, a grid of
// cells and a cursor out. It knows no fonts, pixels, locks or threads; the caller serialises. Any
// bytes and any size of screen are fine, 0 by 0 included.
//
// Not here: palette changes, reverse screen (?5), CP437 (SGR 10..12), italics, a 17th colour.
#pragma once

#include "display/escape_parser.h"
#include "display/grid.h"
#include "lib/string_view.h"
#include "lib/utf8.h"

namespace kernel::display {

class Emulator {
 public:
  // Errors: NoMem.
  static Result<Emulator> create(unsigned columns, unsigned rows);

  // What a program writes.
  void write(std::span<const uint8_t> bytes);
  // Text of the kernel, without sequences: it disturbs neither one that a program has begun nor the
  // program's colours.
  void write_plain(StringView text);
  // What the terminal answers to the program (status reports); bytes given.
  size_t take_reply(std::span<uint8_t> to);
  // Leaves everything that a program may have set, but for what is on the screen. From any state,
  // that of a change half done included.
  void recover();

  Grid& grid() { return grid_; }
  struct Cursor {
    unsigned row = 0, column = 0;
    bool visible = true;
    friend constexpr bool operator==(Cursor, Cursor) = default;
  };
  Cursor cursor() const { return cursor_; }

 private:
  enum class Charset : uint8_t { Ascii, LineDrawing };
  struct Modes {
    bool wrap = true;
    bool insert = false;
    bool newline = false;  // LF is CR LF
    bool origin = false;   // rows count from the scrolling region's top
  };
  // What ESC 7 saves.
  struct Saved {
    unsigned row = 0, column = 0;
    Pen pen;
    std::array<Charset, 2> charsets{};
    uint8_t charset = 0;
  };

  Emulator(Grid grid, Vector<bool> tabs) : grid_(std::move(grid)), tabs_(std::move(tabs)) {}

  void take(char32_t code);
  void print(char32_t code);
  void control(char32_t code);
  // emulator_sequences.cc
  void escape();
  void select_charset(size_t set, char which);
  void sequence();
  void move_cursor(char final);
  void edit(char final);
  void set_modes(bool on);
  void set_private_modes(bool on);
  void set_region();
  void erase_display(unsigned what);
  void erase_line(unsigned what);
  void clear_tabs(unsigned what);
  void report(unsigned what);

  void go_to(unsigned row, unsigned column);  // cut to the screen, in origin mode to the region
  void go_to_line(unsigned line, unsigned column);  // counted as the origin mode has it
  void line_feed();
  void reverse_line_feed();
  void next_tab();
  void reset();
  void reset_tabs();
  void reply(StringView text);
  void save() { saved_ = {cursor_.row, cursor_.column, pen_, charsets_, charset_}; }
  void restore();

  unsigned rows() const { return grid_.rows(); }
  unsigned columns() const { return grid_.columns(); }

  Grid grid_;
  Vector<bool> tabs_;  // by column
  Cursor cursor_;
  bool wrap_pending_ = false;  // the last column is written: the next character starts a line
  unsigned top_ = 0;           // the scrolling region, [top_, bottom_)
  unsigned bottom_ = 0;
  Pen pen_;
  Modes modes_;
  std::array<Charset, 2> charsets_{};  // G0, G1
  uint8_t charset_ = 0;                // the one in use
  Saved saved_;
  EscapeParser parser_;
  Utf8Decoder decoder_;
  Utf8Decoder plain_decoder_;
  std::array<char, 64> reply_{};
  size_t reply_size_ = 0;
};

}  // namespace kernel::display
