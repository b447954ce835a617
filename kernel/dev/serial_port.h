// SPDX-License-Identifier: MIT
// A serial line: what a UART driver implements, and what it calls; the text console of a display is
// one too. The terminal layer (fs/tty) turns each port into a terminal with a node.
#pragma once

#include <span>

#include "lib/list.h"
#include "lib/result.h"
#include "lib/string_view.h"

namespace kernel {

// The user of a port. Called in thread context, received() without driver locks.
class SerialClient {
 public:
  virtual void received(std::span<const uint8_t> bytes) = 0;
  virtual void received_break() {}
  // Fills `to` with what is to be sent; 0 when nothing waits.
  virtual size_t take_output(std::span<uint8_t> to) = 0;

 protected:
  ~SerialClient() = default;
};

class SerialPort : public ListNode<SerialPort> {
 public:
  StringView name;       // "ttyAMA0"
  uint32_t major = 0;
  uint32_t minor = 0;
  bool is_console = false;  // /chosen/stdout-path names it
  // A second node: tty0 is the virtual terminal on show. Empty: none.
  StringView alias;
  uint32_t alias_minor = 0;
  // The size of its screen; 0 where nobody knows.
  uint16_t rows = 0;
  uint16_t columns = 0;

  // From now on received bytes go to the client. Thread context.
  virtual void attach(SerialClient& client) = 0;
  // The client has output: send from the device's own pace. Any thread context; never waits.
  virtual void start_output() = 0;
  // Somebody has closed the terminal: what was sent shall have arrived. Any thread context.
  virtual void finish_output() {}

 protected:
  ~SerialPort() = default;
};

// For good. Thread context.
Result<> register_serial_port(SerialPort& port);
// The terminal layer: called for every port, those registered so far first. Once.
Result<> set_serial_port_sink(Result<> (*sink)(SerialPort& port));

}  // namespace kernel
