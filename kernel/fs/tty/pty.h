// SPDX-License-Identifier: MIT
// Pseudoterminals (pty(7), pts(4)): /dev/ptmx makes a pair; its master is a file that plays the
// device of a Terminal, whose node appears below /dev/pts.
#pragma once

#include "fs/tty/terminal_file.h"

namespace kernel {

// The master's half. Lives as long as its terminal, which files of both sides hold.
class Pty final : public TerminalDevice {
 public:
  // A new pair with the lowest free number. Errors: NoSpc (pty limit), NoMem.
  static Result<Ref<Terminal>> create();

  uint32_t index() const { return index_; }

  // --- Master side.
  Result<size_t> read(IoBuffer& buffer, bool nonblocking);
  Result<size_t> write(IoBuffer& buffer, bool nonblocking);
  uint32_t poll(PollRegistration* registration);
  Result<int64_t> ioctl(uint32_t request, uint64_t argument);
  void close_master();
  AsyncQueue& async_master() { return async_master_; }

  bool is_locked() const { return locked_.load_relaxed(); }

  // --- TerminalDevice.
  void output_ready() override;
  void input_room() override { master_writers_.wake_all(kPollOut | kPollWrNorm); }
  void state_changed(uint8_t packet_bits) override;
  void settings_changed(const tty::Termios& termios) override;
  bool is_gone() const override { return master_closed_.load_acquire(); }
  bool is_line() const override { return false; }
  void opened() override;
  void closed() override;
  void released() override { delete this; }

 private:
  explicit Pty(uint32_t index) : index_(index) {}
  bool slave_is_closed() const;

  const uint32_t index_;
  Terminal* terminal_ = nullptr;  // owns this
  Atomic<bool> locked_{true};
  Atomic<bool> master_closed_;
  Atomic<bool> packet_mode_;
  Atomic<uint32_t> packet_state_;  // pending TIOCPKT_* bits
  Atomic<uint32_t> slave_files_;
  Atomic<bool> slave_was_open_;
  Atomic<bool> flow_by_characters_{true};  // last TIOCPKT_DOSTOP told
  Atomic<bool> external_;  // EXTPROC was set last
  WaitQueue master_readers_;
  WaitQueue master_writers_;
  AsyncQueue async_master_;
};

namespace tty {
Result<> init_ptys();  // /dev/ptmx and devpts
}

}  // namespace kernel
