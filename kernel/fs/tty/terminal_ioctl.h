// SPDX-License-Identifier: MIT
// One ioctl request on a terminal, from its own side or from a pty master.
#pragma once

#include "fs/tty/ioctl_abi.h"
#include "fs/tty/packet.h"
#include "fs/tty/terminal.h"

namespace kernel {

class TerminalIoctl {
 public:
  TerminalIoctl(Terminal& terminal, bool from_master)
      : terminal_(terminal), from_master_(from_master) {}
  Result<int64_t> run(uint32_t request, uint64_t argument);

 private:
  Result<int64_t> session_request(uint32_t request, UserAddr address, uint64_t argument);
  Result<int64_t> get_settings(uint32_t request, UserAddr address);
  Result<int64_t> set_settings(uint32_t request, UserAddr address);
  Result<int64_t> set_local_line(UserAddr address);
  Result<int64_t> flow_control(uint32_t action);
  Result<int64_t> flush(uint32_t which);
  Result<int64_t> set_exclusive(bool exclusive);
  Result<int64_t> type_ahead(UserAddr address);
  Result<int64_t> give_up_terminal();
  Result<int64_t> set_foreground(UserAddr address);
  uint32_t count(uint32_t request) const;
  bool is_controlling() const;
  static Result<int64_t> give(UserAddr address, uint32_t value);

  Terminal& terminal_;
  bool from_master_;
};

}  // namespace kernel
