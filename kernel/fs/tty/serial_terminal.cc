// SPDX-License-Identifier: MIT
// Serial lines as terminals: one terminal and node for each port that a driver finds.

#include "dev/console_words.h"
#include "dev/serial_port.h"
#include "fs/tty/terminal_file.h"

namespace kernel::tty {
namespace {

class SerialLine final : public TerminalDevice, public SerialClient {
 public:
  explicit SerialLine(SerialPort& port) : port_(port) {}
  Result<> start(Ref<Terminal> terminal) {
    terminal_ = terminal.get();
    Owned<TerminalNode> node = TRY(make_owned<TerminalNode>(terminal));
    TRY(register_char_device(*node));
    std::move(node).leak();  // ports are for good
    if (!port_.alias.empty()) {
      Owned<TerminalNode> alias = TRY(make_owned<TerminalNode>(terminal));
      alias->name = port_.alias;
      alias->minor = port_.alias_minor;
      TRY(register_char_device(*alias));
      std::move(alias).leak();
    }
    if (port_.rows != 0) terminal->set_window_size({port_.rows, port_.columns, 0, 0});
    unsigned word = std::max(console_word(port_.name), console_word(port_.alias));
    if (word != 0 || port_.is_console) set_console(terminal, word);
    port_.attach(*this);
    return {};
  }

  void output_ready() override { port_.start_output(); }
  void closed() override { port_.finish_output(); }
  // What does not fit is lost: a serial line has no way to hold the sender back here.
  void received(std::span<const uint8_t> bytes) override { terminal_->receive(bytes); }
  void received_break() override { terminal_->receive_break(); }
  size_t take_output(std::span<uint8_t> to) override { return terminal_->take_output(to); }

 private:
  SerialPort& port_;
  Terminal* terminal_ = nullptr;
};

Result<> add_port(SerialPort& port) {
  Owned<SerialLine> line = TRY(make_owned<SerialLine>(port));
  Ref<Terminal> terminal =
      TRY(Terminal::create(port.name, DeviceNumber{port.major, port.minor}, *line));
  TRY(line->start(std::move(terminal)));
  std::move(line).leak();
  return {};
}

}  // namespace

Result<> init_serial() { return set_serial_port_sink(add_port); }

}  // namespace kernel::tty
