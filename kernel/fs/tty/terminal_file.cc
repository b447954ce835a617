// SPDX-License-Identifier: MIT
// Open files on terminals, and the nodes /dev/tty (the caller's controlling terminal) and
// /dev/console.

#include "fs/tty/terminal_file.h"

#include "fs/tty/ioctl_abi.h"
#include "fs/tty/pty.h"

namespace kernel {
namespace {

constexpr uint32_t kTtyMajor = 5;

class ControllingTerminalNode final : public CharDeviceBase {
 public:
  ControllingTerminalNode() {
    major = kTtyMajor, minor = 0, name = "tty", mode = 0666, device_class = "tty";
  }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    Optional<Ref<Terminal>> terminal = Terminal::controlling();
    if (!terminal) return Errno::NxIo;
    return TerminalFile::open(terminal.value(), path, flags | kOpenNoCtty);
  }
};

class ConsoleNode final : public CharDeviceBase {
 public:
  ConsoleNode() {
    major = kTtyMajor, minor = 1, name = "console", mode = 0600, device_class = "tty";
  }
  // Linux's init opens it without becoming its session's leader: the console is never acquired
  // here.
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    if (!terminal) return Errno::NoDev;
    return TerminalFile::open_console(terminal.value(), path, flags);
  }
  Optional<Ref<Terminal>> terminal;  // set at boot, before user programs run
  unsigned word = 0;                 // of console=, that chose it
};

constinit ConsoleNode* console_node = nullptr;

}  // namespace

Result<Ref<File>> TerminalFile::open(Ref<Terminal> terminal, const Path& path, uint32_t flags) {
  if (terminal->device().is_gone()) return Errno::Io;
  TRY(terminal->opened((flags & kOpenNoCtty) != 0));
  uint32_t generation = terminal->generation();
  return TRY(make_ref<TerminalFile>(std::move(terminal), path, flags, generation));
}

Result<Ref<File>> TerminalFile::open_console(Ref<Terminal> terminal, const Path& path,
                                             uint32_t flags) {
  TRY(terminal->opened(/*no_controlling=*/true));
  return TRY(
      make_ref<TerminalFile>(std::move(terminal), path, flags, Terminal::kEveryGeneration));
}

TerminalFile::TerminalFile(Ref<Terminal> terminal, const Path& path, uint32_t flags,
                           uint32_t generation)
    : File(path, flags), terminal_(std::move(terminal)), generation_(generation) {
  terminal_->device().opened();
}

void TerminalFile::on_close() { terminal_->device().closed(); }

Result<size_t> TerminalFile::read(IoBuffer& buffer, uint64_t) {
  return terminal_->read(buffer, nonblocking(), generation_);
}
Result<size_t> TerminalFile::write(IoBuffer& buffer, uint64_t) {
  return terminal_->write(buffer, nonblocking(), generation_);
}
uint32_t TerminalFile::poll(PollRegistration* registration) {
  return terminal_->poll(registration, generation_);
}
Result<int64_t> TerminalFile::ioctl(uint32_t request, uint64_t argument) {
  return terminal_->ioctl(request, argument, generation_);
}

TerminalNode::TerminalNode(Ref<Terminal> terminal) : terminal_(std::move(terminal)) {
  name = terminal_->name();
  major = terminal_->number().major;
  minor = terminal_->number().minor;
  mode = 0600;
  device_class = "tty";
}
Result<Ref<File>> TerminalNode::open(const Path& path, uint32_t flags) {
  return TerminalFile::open(terminal_, path, flags);
}

namespace tty {

Result<> init() {
  Owned<ControllingTerminalNode> controlling = TRY(make_owned<ControllingTerminalNode>());
  Owned<ConsoleNode> console = TRY(make_owned<ConsoleNode>());
  TRY(register_char_device(*controlling));
  TRY(register_char_device(*console));
  std::move(controlling).leak();  // both stay for good
  console_node = std::move(console).leak();
  TRY(init_ptys());
  return init_serial();
}

void set_console(Ref<Terminal> terminal, unsigned word) {
  CHECK(console_node != nullptr);
  if (word < console_node->word) return;
  console_node->terminal = std::move(terminal);
  console_node->word = word;
}

StringView console_name() {
  return console_node != nullptr && console_node->terminal
             ? console_node->terminal.value()->name()
             : StringView();
}

}  // namespace tty
}  // namespace kernel
