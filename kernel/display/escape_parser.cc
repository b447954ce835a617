// SPDX-License-Identifier: MIT
// See escape_parser.h.

#include "display/escape_parser.h"

namespace kernel::display {
namespace {

constexpr char32_t kBell = 0x07, kCancel = 0x18, kSubstitute = 0x1a, kEscape = 0x1b;

constexpr bool is_intermediate(char32_t code) { return code >= 0x20 && code < 0x30; }
constexpr bool is_final(char32_t code) { return code >= 0x40 && code < 0x7f; }
constexpr bool is_hexadecimal(char32_t code) {
  return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'f') ||
         (code >= 'A' && code <= 'F');
}

}  // namespace

EscapeParser::Event EscapeParser::feed(char32_t code) {
  if (code < 0x20) return control(code);
  switch (state_) {
    case State::Ground:
      return code == 0x7f ? Event::None : Event::Print;
    case State::Escape:
      return start_escape(code);
    case State::EscapeIntermediate:
      if (is_intermediate(code)) return Event::None;
      return finish(code, Event::Escape);
    case State::Sequence:
      return sequence(code);
    case State::SequenceIgnored:
      if (is_final(code)) reset();
      return Event::None;
    case State::FunctionKey:
      reset();
      return Event::None;
    case State::Command:
      return command(code);
    case State::Palette:
      if (!is_hexadecimal(code) || ++palette_digits_ == 7) reset();
      return Event::None;
    case State::String:
      return Event::None;
  }
  return Event::None;
}

EscapeParser::Event EscapeParser::control(char32_t code) {
  if (code == kEscape) {
    state_ = State::Escape;
    intermediate_ = private_mark_ = 0;
    return Event::None;
  }
  if (code == kCancel || code == kSubstitute) {
    reset();
    return Event::None;
  }
  if (state_ != State::String && state_ != State::Command) return Event::Control;
  if (code == kBell) reset();
  return Event::None;
}

EscapeParser::Event EscapeParser::start_escape(char32_t code) {
  if (is_intermediate(code)) {
    intermediate_ = static_cast<char>(code);
    state_ = State::EscapeIntermediate;
    return Event::None;
  }
  switch (code) {
    case '[':
      state_ = State::Sequence;
      count_ = 0;
      return Event::None;
    case ']':
      state_ = State::Command;
      return Event::None;
    case 'P': case 'X': case '^': case '_':
      state_ = State::String;
      return Event::None;
    default:
      return finish(code, Event::Escape);
  }
}

EscapeParser::Event EscapeParser::sequence(char32_t code) {
  if (code >= '0' && code <= '9') {
    if (count_ == 0) parameters_[count_++] = 0;
    unsigned value = parameters_[count_ - 1] * 10u + (code - '0');
    parameters_[count_ - 1] = static_cast<uint16_t>(value < kLargest ? value : kLargest);
    return Event::None;
  }
  if (code == ';') {
    if (count_ == 0) parameters_[count_++] = 0;
    if (count_ == parameters_.size()) {
      state_ = State::SequenceIgnored;
    } else {
      parameters_[count_++] = 0;
    }
    return Event::None;
  }
  if (code == '[' && count_ == 0 && private_mark_ == 0) {
    state_ = State::FunctionKey;
    return Event::None;
  }
  if (is_final(code)) return finish(code, Event::Sequence);
  if (code >= '<' && code <= '?' && count_ == 0 && private_mark_ == 0) {
    private_mark_ = static_cast<char>(code);
  } else {
    state_ = State::SequenceIgnored;
  }
  return Event::None;
}

EscapeParser::Event EscapeParser::command(char32_t code) {
  if (code == 'P') {
    state_ = State::Palette;
    palette_digits_ = 0;
  } else if (code == 'R') {
    reset();
  } else {
    state_ = State::String;
  }
  return Event::None;
}

EscapeParser::Event EscapeParser::finish(char32_t code, Event event) {
  reset();
  if (code > 0x7e) return Event::None;
  final_ = static_cast<char>(code);
  return event;
}

}  // namespace kernel::display
