// SPDX-License-Identifier: MIT
// termios(3) as Linux's default line discipline does it; see line_discipline.h.

#include "fs/tty/line_discipline.h"

namespace kernel::tty {
namespace {

constexpr uint8_t kDisabled = 0;  // stands in the ring for an end-of-file mark
constexpr bool is_control(uint8_t c) { return c < 32 || c == 127; }
constexpr bool is_word(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// Latin-1, as IUCLC and OLCUC have it.
constexpr uint8_t to_lower(uint8_t c) {
  bool upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
  return upper ? static_cast<uint8_t>(c + 32) : c;
}
constexpr uint8_t to_upper(uint8_t c) {
  bool lower = (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
  return lower ? static_cast<uint8_t>(c - 32) : c;
}

}  // namespace

size_t LineDiscipline::receive(std::span<const uint8_t> bytes, Effects& effects) {
  size_t used = 0;
  for (uint8_t c : bytes) {
    if (!has_receive_room()) break;
    receive_byte(c, effects);
    ++used;
  }
  effects.output |= output_count() > 0;
  return used;
}

// A full ring holds the sender back, unless a line is being typed that could never end: then bytes
// are consumed and dropped until it ends or is edited.
bool LineDiscipline::has_receive_room() const {
  return input_.room() > 1 || (is_canonical() && input_.tail() == canonical_head_);
}

void LineDiscipline::receive_break(Effects& effects) {
  if (termios.has_input(kIgnbrk)) return;
  if (termios.has_input(kBrkint)) return raise(Signal::Int, 0, effects);
  if (termios.has_input(kParmrk)) {
    store(0xff, effects);
    store(0, effects);
  }
  store(0, effects);
}

void LineDiscipline::receive_byte(uint8_t c, Effects& effects) {
  if (termios.has_input(kIstrip)) c &= 0x7f;
  if (termios.has_input(kIuclc) && termios.has_local(kIexten)) c = to_lower(c);
  if (termios.has_local(kExtproc)) return store(c, effects);
  if (literal_next_) {
    literal_next_ = false;
    if (termios.has_local(kEcho)) {
      finish_erasing();
      echo(c);
    }
    return store(c, effects);
  }
  if (receive_special(c, effects)) return;
  bool returned = c == '\r';
  if (returned) {
    if (termios.has_input(kIgncr)) return;
    if (termios.has_input(kIcrnl)) c = '\n';
  } else if (c == '\n' && termios.has_input(kInlcr)) {
    c = '\r';
  }
  if (is_canonical() && receive_editing(c, effects)) return;

  if (termios.has_local(kEcho)) {
    finish_erasing();
    if (returned && c == '\n') {
      echo_raw(c);
    } else {
      if (canonical_head_ == input_.head()) canonical_column_ = column_;
      echo(c);
    }
  }
  if (c == 0xff && termios.has_input(kParmrk)) store(c, effects);
  store(c, effects);
}

// Flow control and signals: bytes that no reader sees.
bool LineDiscipline::receive_special(uint8_t c, Effects& effects) {
  if (termios.has_input(kIxon)) {
    if (termios.is(c, kVstart)) {
      effects.started |= stopped_;
      stopped_ = false;
      return true;
    }
    if (termios.is(c, kVstop)) {
      effects.stopped |= !stopped_;
      stopped_ = true;
      return true;
    }
    if (stopped_ && termios.has_input(kIxany)) {
      stopped_ = false;
      effects.started = true;
    }
  }
  if (termios.has_local(kIsig)) {
    if (termios.is(c, kVintr)) return raise(Signal::Int, c, effects), true;
    if (termios.is(c, kVquit)) return raise(Signal::Quit, c, effects), true;
    if (termios.is(c, kVsusp)) return raise(Signal::Tstp, c, effects), true;
  }
  return false;
}

void LineDiscipline::raise(Signal signal, uint8_t c, Effects& effects) {
  effects.signals.add(signal);
  if (!termios.has_local(kNoflsh)) {
    flush_input();
    flush_output();
    effects.flushed = true;
  }
  if (termios.has_input(kIxon) && stopped_) {
    stopped_ = false;
    effects.started = true;
  }
  if (termios.has_local(kEcho) && c != 0) echo(c);
}

bool LineDiscipline::receive_editing(uint8_t c, Effects& effects) {
  bool extended = termios.has_local(kIexten);
  if (termios.is(c, kVerase) || termios.is(c, kVkill) || (termios.is(c, kVwerase) && extended)) {
    erase(c);
    return true;
  }
  if (termios.is(c, kVlnext) && extended) {
    literal_next_ = true;
    if (termios.has_local(kEcho)) {
      finish_erasing();
      if (termios.has_local(kEchoctl)) {
        echo_raw('^');
        echo_raw('\b');
      }
    }
    return true;
  }
  if (termios.is(c, kVreprint) && termios.has_local(kEcho) && extended) {
    reprint(c);
    return true;
  }
  if (c == '\n') {
    if (termios.has_local(kEcho) || termios.has_local(kEchonl)) echo_raw('\n');
    end_line(c, effects);
    return true;
  }
  if (termios.is(c, kVeof)) {
    end_line(kDisabled, effects);
    return true;
  }
  if (termios.is(c, kVeol) || (termios.is(c, kVeol2) && extended)) {
    if (termios.has_local(kEcho)) {
      if (canonical_head_ == input_.head()) canonical_column_ = column_;
      echo(c);
    }
    if (c == 0xff && termios.has_input(kParmrk)) store(c, effects);
    end_line(c, effects);
    return true;
  }
  return false;
}

void LineDiscipline::end_line(uint8_t c, Effects& effects) {
  size_t at = input_.head();
  if (!input_.push(c)) return;
  line_end_[at % kInputSize] = true;
  canonical_head_ = input_.head();
  effects.readable = true;
}

// One place stays free for the byte that ends the line.
bool LineDiscipline::can_store() const { return input_.room() > 1; }

void LineDiscipline::store(uint8_t c, Effects& effects) {
  if (!can_store()) {
    if (termios.has_input(kImaxbel)) put_output('\a');
    return;
  }
  line_end_[input_.head() % kInputSize] = false;
  input_.push(c);
  if (!is_canonical()) {
    canonical_head_ = input_.head();
    effects.readable = true;
  }
}

void LineDiscipline::erase(uint8_t c) {
  if (input_.head() == canonical_head_) return;
  bool kill = termios.is(c, kVkill),
       word = !kill && termios.is(c, kVwerase) && !termios.is(c, kVerase);
  bool shown = termios.has_local(kEcho);
  if (kill && !(shown && termios.has_local(kEchok) && termios.has_local(kEchoke) &&
                termios.has_local(kEchoe))) {
    input_.set_head(canonical_head_);
    if (!shown) return;
    finish_erasing();
    echo(c);
    if (termios.has_local(kEchok)) echo_raw('\n');
    return;
  }
  bool seen_word = false;
  while (input_.head() != canonical_head_) {
    size_t at = input_.head();
    uint8_t erased;
    do {
      erased = input_.at(--at);
    } while (is_continuation(erased) && at != canonical_head_);
    if (is_continuation(erased)) break;  // never half a character
    if (word) {
      if (is_word(erased)) {
        seen_word = true;
      } else if (seen_word) {
        break;
      }
    }
    size_t end = input_.head();
    input_.set_head(at);
    if (shown) erase_shown(erased, at, end, !kill && !word);
    if (!kill && !word) break;
  }
  if (input_.head() == canonical_head_ && shown) finish_erasing();
}

// Takes one erased character off the screen.
void LineDiscipline::erase_shown(uint8_t c, size_t from, size_t to, bool single) {
  if (termios.has_local(kEchoprt)) {
    if (!erasing_) {
      echo_raw('\\');
      erasing_ = true;
    }
    echo(c);
    for (size_t at = from + 1; at < to; ++at) echo_raw(input_.at(at));
  } else if (single && !termios.has_local(kEchoe)) {
    echo(termios.characters[kVerase]);
  } else if (c == '\t') {
    erase_tab();
  } else {
    auto back = [this] {
      echo_raw('\b');
      echo_raw(' ');
      echo_raw('\b');
    };
    if (is_control(c) && termios.has_local(kEchoctl)) back();
    if (!is_control(c) || termios.has_local(kEchoctl)) back();
  }
}

// The width of a tab depends on what stands before it in the line.
void LineDiscipline::erase_tab() {
  unsigned columns = 0;
  bool after_tab = false;
  for (size_t at = input_.head(); at != canonical_head_;) {
    uint8_t c = input_.at(--at);
    if (c == '\t') {
      after_tab = true;
      break;
    }
    if (is_control(c)) {
      columns += termios.has_local(kEchoctl) ? 2 : 0;
    } else if (!is_continuation(c)) {
      ++columns;
    }
  }
  if (!after_tab) columns += canonical_column_;
  for (unsigned left = 8 - (columns & 7); left > 0; --left) {
    if (output_.push('\b') && column_ > 0) --column_;
  }
}

void LineDiscipline::finish_erasing() {
  if (!erasing_) return;
  echo_raw('/');
  erasing_ = false;
}

void LineDiscipline::reprint(uint8_t c) {
  finish_erasing();
  echo(c);
  echo_raw('\n');
  for (size_t at = canonical_head_; at != input_.head(); ++at) echo(input_.at(at));
}

void LineDiscipline::echo(uint8_t c) {
  if (termios.has_local(kEchoctl) && is_control(c) && c != '\t') {
    echo_raw('^');
    echo_raw(c ^ 0100);
  } else {
    echo_raw(c);
  }
}

// Echo that finds no room is lost, as on a terminal that types faster than the line.
void LineDiscipline::echo_raw(uint8_t c) {
  if (termios.has_output(kOpost)) {
    put_output(c);
  } else {
    output_.push(c);
  }
}

bool LineDiscipline::put_output(uint8_t c) {
  if (output_.room() < 8) return false;  // the widest expansion: a tab
  switch (c) {
    case '\n':
      if (termios.has_output(kOnlret)) column_ = 0;
      if (termios.has_output(kOnlcr)) {
        canonical_column_ = column_ = 0;
        output_.push('\r');
        return output_.push('\n');
      }
      canonical_column_ = column_;
      break;
    case '\r':
      if (termios.has_output(kOnocr) && column_ == 0) return true;
      if (termios.has_output(kOcrnl)) {
        c = '\n';
        if (termios.has_output(kOnlret)) canonical_column_ = column_ = 0;
        break;
      }
      canonical_column_ = column_ = 0;
      break;
    case '\t': {
      unsigned spaces = 8 - (column_ & 7);
      column_ += spaces;
      if ((termios.output & kXtabs) == kXtabs) {
        for (; spaces > 0; --spaces) output_.push(' ');
        return true;
      }
      break;
    }
    case '\b':
      if (column_ > 0) --column_;
      break;
    default:
      if (is_control(c)) break;
      if (termios.has_output(kOlcuc)) c = to_upper(c);
      if (!is_continuation(c)) ++column_;
  }
  return output_.push(c);
}

size_t LineDiscipline::write(std::span<const uint8_t> bytes) {
  bool process = termios.has_output(kOpost);
  size_t used = 0;
  for (uint8_t c : bytes) {
    if (!(process ? put_output(c) : output_.push(c))) break;
    ++used;
  }
  return used;
}

size_t LineDiscipline::take_output(std::span<uint8_t> to) {
  if (stopped_) return 0;
  size_t count = 0;
  while (count < to.size() && !output_.empty()) to[count++] = output_.pop();
  return count;
}

bool LineDiscipline::has_input(size_t minimum) const {
  if (is_canonical()) return canonical_head_ != input_.tail();
  return input_.size() >= (minimum == 0 ? 1 : minimum);
}

size_t LineDiscipline::input_count() const {
  if (!is_canonical()) return input_.size();
  size_t count = 0;
  for (size_t at = input_.tail(); at != canonical_head_; ++at) {
    bool is_end_of_file = line_end_[at % kInputSize] && input_.at(at) == kDisabled;
    if (!is_end_of_file) ++count;
  }
  return count;
}

size_t LineDiscipline::read(std::span<uint8_t> to) {
  size_t count = 0;
  if (!is_canonical()) {
    while (count < to.size() && !input_.empty()) to[count++] = input_.pop();
    if (canonical_head_ < input_.tail()) canonical_head_ = input_.tail();
    return count;
  }
  while (input_.tail() != canonical_head_) {
    size_t index = input_.tail() % kInputSize;
    bool end = line_end_[index];
    bool end_of_file = end && input_.at(input_.tail()) == kDisabled;
    // An end-of-file mark right behind a full buffer belongs to this read: it must not end the
    // next.
    if (count == to.size() && !end_of_file) break;
    uint8_t c = input_.pop();
    line_end_[index] = false;
    if (!end_of_file) to[count++] = c;
    if (end) break;
  }
  return count;
}

void LineDiscipline::flush_input() {
  for (bool& end : line_end_) end = false;
  input_.clear();
  canonical_head_ = input_.head();
  literal_next_ = false;
  erasing_ = false;
}

void LineDiscipline::flush_output() { output_.clear(); }

void LineDiscipline::mode_changed(const Termios& before) {
  bool was_canonical = before.has_local(kIcanon);
  if (was_canonical == is_canonical()) {
    if (!termios.has_input(kIxon)) stopped_ = false;
    return;
  }
  for (bool& end : line_end_) end = false;
  literal_next_ = false;
  erasing_ = false;
  // Into canonical mode: what has been received counts as a line, without an end character of its
  // own.
  canonical_head_ = input_.head();
  if (is_canonical() && !input_.empty()) line_end_[(input_.head() - 1) % kInputSize] = true;
  if (!termios.has_input(kIxon)) stopped_ = false;
}

}  // namespace kernel::tty
