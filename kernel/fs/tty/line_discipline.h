// SPDX-License-Identifier: MIT
// The N_TTY line discipline of termios(3): what happens to a byte on its way in (editing, echo,
// signals, flow control) and out (OPOST). Pure state, no locks, no sleeping: Terminal calls it
// under its lock, and the host tests it alone.
//
//   receive() -> input ring -> read()          echo and write() -> output ring -> the device
#pragma once

#include <span>

#include "fs/tty/byte_ring.h"
#include "fs/tty/termios.h"
#include "task/signal.h"

namespace kernel::tty {

class LineDiscipline {
 public:
  static constexpr size_t kInputSize = 4096;   // and the longest canonical line, newline included
  static constexpr size_t kOutputSize = 8192;

  Termios termios;

  // --- From the device. What a batch of bytes caused, for the caller to act on outside its lock.
  struct Effects {
    SignalSet signals;        // to the foreground process group
    bool readable = false;
    bool output = false;      // the device has something to send
    bool flushed = false;     // both queues (ISIG without NOFLSH)
    bool stopped = false, started = false;  // IXON
  };
  // Returns how many bytes were consumed: fewer than given when the input ring is full.
  size_t receive(std::span<const uint8_t> bytes, Effects& effects);
  bool has_receive_room() const;
  // A line break from a serial line.
  void receive_break(Effects& effects);

  // --- To a reader.
  bool is_canonical() const { return termios.edits_lines(); }
  // A reader would get something: a whole line, or (raw) at least `minimum` bytes.
  bool has_input(size_t minimum) const;
  size_t input_count() const;  // FIONREAD
  // Moves one line, or what there is. An end-of-file mark is consumed and ends the line.
  size_t read(std::span<uint8_t> to);

  // --- To the device.
  // Processes and queues; returns how many of the bytes were taken.
  size_t write(std::span<const uint8_t> bytes);
  size_t take_output(std::span<uint8_t> to);
  size_t output_count() const { return stopped_ ? 0 : output_.size(); }
  size_t queued_output() const { return output_.size(); }
  size_t output_room() const { return output_.room(); }

  void set_stopped(bool stopped) { stopped_ = stopped; }  // TCXONC
  bool is_stopped() const { return stopped_; }
  void flush_input();
  void flush_output();
  // After a change of ICANON or EXTPROC: what was typed becomes readable or a line of its own.
  void mode_changed(const Termios& before);

 private:
  void receive_byte(uint8_t c, Effects& effects);
  bool receive_special(uint8_t c, Effects& effects);
  bool receive_editing(uint8_t c, Effects& effects);
  void raise(Signal signal, uint8_t c, Effects& effects);
  void end_line(uint8_t c, Effects& effects);
  void store(uint8_t c, Effects& effects);
  void erase(uint8_t c);
  void erase_shown(uint8_t c, size_t bytes_from, size_t bytes_to, bool single);
  void finish_erasing();
  void reprint(uint8_t c);
  bool can_store() const;

  void echo(uint8_t c);            // with ^X for control characters
  void echo_raw(uint8_t c);
  void erase_tab();
  bool put_output(uint8_t c);      // through OPOST; false when there is no room
  bool is_continuation(uint8_t c) const { return termios.has_input(kIutf8) && (c & 0xc0) == 0x80; }

  ByteRing<kInputSize> input_;
  ByteRing<kOutputSize> output_;
  bool line_end_[kInputSize] = {};  // by ring index: this byte ends a line
  size_t canonical_head_ = 0;       // behind the last complete line
  unsigned column_ = 0;             // of the output cursor
  unsigned canonical_column_ = 0;   // where the line being typed began
  bool literal_next_ = false;
  bool erasing_ = false;            // ECHOPRT: inside \…/
  bool stopped_ = false;
};

}  // namespace kernel::tty
