// SPDX-License-Identifier: MIT
// The control byte of a pty master in packet mode (ioctl_tty(2), TIOCPKT).
#pragma once

#include "lib/types.h"

namespace kernel::tty {

inline constexpr uint8_t kPacketData = 0, kPacketFlushRead = 1, kPacketFlushWrite = 2,
                         kPacketStop = 4, kPacketStart = 8, kPacketNoStop = 16, kPacketDoStop = 32,
                         kPacketIoctl = 64;

}  // namespace kernel::tty
