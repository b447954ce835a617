// SPDX-License-Identifier: MIT
// Registers of the 16550 UART (National Semiconductor PC16550D), by index: the distance between
// them is the board's (reg-shift).
#pragma once

#include "lib/types.h"

namespace kernel::ns16550 {

inline constexpr size_t kData = 0;             // receive and transmit buffers
inline constexpr size_t kInterruptEnable = 1;
inline constexpr size_t kInterruptId = 2;      // read
inline constexpr size_t kFifoControl = 2;      // write
inline constexpr size_t kLineControl = 3;
inline constexpr size_t kModemControl = 4;
inline constexpr size_t kLineStatus = 5;
inline constexpr size_t kModemStatus = 6;

// kInterruptEnable
inline constexpr uint8_t kOnReceive = 1 << 0;
inline constexpr uint8_t kOnTransmitEmpty = 1 << 1;
inline constexpr uint8_t kOnLineStatus = 1 << 2;
// kInterruptId
inline constexpr uint8_t kNoInterrupt = 1 << 0;
// kFifoControl
inline constexpr uint8_t kFifoEnable = 1 << 0;
inline constexpr uint8_t kFifoClearReceive = 1 << 1;
inline constexpr uint8_t kFifoClearTransmit = 1 << 2;
// kLineControl
inline constexpr uint8_t kEightBits = 3;
// kModemControl
inline constexpr uint8_t kReady = 3;           // DTR, RTS
inline constexpr uint8_t kInterruptsOut = 1 << 3;  // OUT2 gates the interrupt on PCs
// kLineStatus
inline constexpr uint8_t kReceiveReady = 1 << 0;
inline constexpr uint8_t kBreak = 1 << 4;
inline constexpr uint8_t kTransmitEmpty = 1 << 5;

}  // namespace kernel::ns16550
