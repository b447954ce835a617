// SPDX-License-Identifier: MIT
// Splits what is written to a terminal into characters, controls and escape sequences (ECMA-48,
// console_codes(4)). It knows their form, not what they mean. Any input is fine.
#pragma once

#include <array>
#include <span>

#include "lib/types.h"

namespace kernel::display {

class EscapeParser {
 public:
  enum class Event : uint8_t {
    None,      // in the middle of something, or the end of something nobody wants
    Print,     // the character itself
    Control,   // below U+0020, also within a sequence
    Escape,    // ESC [intermediate] final
    Sequence,  // ESC [ [private] parameters final
  };
  Event feed(char32_t code);

  // Of the last Escape or Sequence.
  char final() const { return final_; }
  char intermediate() const { return intermediate_; }  // 0: none. ( ) # % in practice
  char private_mark() const { return private_mark_; }  // 0 or one of < = > ?
  std::span<const uint16_t> parameters() const { return std::span(parameters_).first(count_); }
  // The n-th parameter; `fallback` when it is absent or 0.
  unsigned parameter(size_t index, unsigned fallback) const {
    return index < count_ && parameters_[index] != 0 ? parameters_[index] : fallback;
  }
  // Forgets an unfinished sequence.
  void reset() { state_ = State::Ground; }

 private:
  enum class State : uint8_t {
    Ground,
    Escape,
    EscapeIntermediate,
    Sequence,
    SequenceIgnored,  // malformed, or of a kind that no terminal like this one has
    FunctionKey,      // ESC [ [ and one character: what Linux's keyboard sends
    Command,          // ESC ]: which command it is
    Palette,          // ESC ] P and seven hexadecimal digits
    String,           // up to BEL or ESC \: titles, device control strings
  };
  Event control(char32_t code);
  Event start_escape(char32_t code);
  Event sequence(char32_t code);
  Event command(char32_t code);
  Event finish(char32_t code, Event event);

  static constexpr uint16_t kLargest = 9999;

  State state_ = State::Ground;
  char final_ = 0;
  char intermediate_ = 0;
  char private_mark_ = 0;
  uint8_t palette_digits_ = 0;
  size_t count_ = 0;
  std::array<uint16_t, 16> parameters_{};
};

}  // namespace kernel::display
