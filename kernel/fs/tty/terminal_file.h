// SPDX-License-Identifier: MIT
// An open file on a terminal: the slave of a pty, a serial line, /dev/tty, /dev/console.
#pragma once

#include "dev/char_device.h"
#include "fs/tty/terminal.h"
#include "fs/vfs/file.h"

namespace kernel {

class TerminalFile final : public File {
 public:
  // Makes the file and, unless O_NOCTTY, the controlling terminal of a session leader without one.
  static Result<Ref<File>> open(Ref<Terminal> terminal, const Path& path, uint32_t flags);
  // /dev/console: a hangup of the terminal behind it does not end it.
  static Result<Ref<File>> open_console(Ref<Terminal> terminal, const Path& path, uint32_t flags);

  TerminalFile(Ref<Terminal> terminal, const Path& path, uint32_t flags, uint32_t generation);
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  uint32_t poll(PollRegistration* registration) override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  AsyncQueues async_queues() override { return {&terminal_->async_files()}; }
  void async_wanted() override { terminal_->claim_async(owner); }
  void on_close() override;
  Terminal& terminal() const { return *terminal_; }

 private:
  Ref<Terminal> terminal_;
  uint32_t generation_;
};

// The device node of a terminal that is always there: a serial port.
class TerminalNode final : public CharDeviceBase {
 public:
  explicit TerminalNode(Ref<Terminal> terminal);
  Result<Ref<File>> open(const Path& path, uint32_t flags) override;

 private:
  Ref<Terminal> terminal_;
};

namespace tty {
// /dev/tty, /dev/console, /dev/ptmx, the devpts file system, and a terminal for each serial port.
Result<> init();
Result<> init_serial();
// The terminal behind /dev/console: the one that the last console= names (`word`, counted from 1),
// and without any the serial port of /chosen/stdout-path (0).
void set_console(Ref<Terminal> terminal, unsigned word);
// Its name; empty when there is none.
StringView console_name();
}  // namespace tty

}  // namespace kernel
