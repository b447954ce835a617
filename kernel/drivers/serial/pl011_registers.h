// SPDX-License-Identifier: MIT
// Registers of the PrimeCell UART PL011 (Arm DDI 0183, chapter 3).
#pragma once

#include "lib/types.h"

namespace kernel::pl011 {

inline constexpr size_t kData = 0x00;
inline constexpr size_t kFlags = 0x18;
inline constexpr size_t kIntegerBaud = 0x24;
inline constexpr size_t kFractionalBaud = 0x28;
inline constexpr size_t kLineControl = 0x2c;
inline constexpr size_t kControl = 0x30;
inline constexpr size_t kFifoLevels = 0x34;
inline constexpr size_t kMask = 0x38;
inline constexpr size_t kRawStatus = 0x3c;
inline constexpr size_t kMaskedStatus = 0x40;
inline constexpr size_t kClear = 0x44;

// kData, receive side
inline constexpr uint32_t kBreakError = 1 << 10;
// kFlags
inline constexpr uint32_t kReceiveEmpty = 1 << 4;
inline constexpr uint32_t kTransmitFull = 1 << 5;
// kLineControl
inline constexpr uint32_t kFifosEnabled = 1 << 4;
inline constexpr uint32_t kEightBits = 3 << 5;
// kControl
inline constexpr uint32_t kUartEnable = 1 << 0;
inline constexpr uint32_t kTransmitEnable = 1 << 8;
inline constexpr uint32_t kReceiveEnable = 1 << 9;
// kMask, kRawStatus, kMaskedStatus, kClear
inline constexpr uint32_t kReceive = 1 << 4;
inline constexpr uint32_t kTransmit = 1 << 5;
inline constexpr uint32_t kReceiveTimeout = 1 << 6;
inline constexpr uint32_t kAllInterrupts = 0x7ff;

}  // namespace kernel::pl011
