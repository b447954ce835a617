// SPDX-License-Identifier: MIT
// Requests and structures of ioctl_tty(2) on arm64 (asm-generic/ioctls.h, termbits.h).
#pragma once

#include "lib/types.h"

namespace kernel::tty {

inline constexpr uint32_t kTcgets = 0x5401, kTcsets = 0x5402, kTcsetsw = 0x5403, kTcsetsf = 0x5404,
                          kTcgeta = 0x5405, kTcseta = 0x5406, kTcsetaw = 0x5407, kTcsetaf = 0x5408,
                          kTcsbrk = 0x5409, kTcxonc = 0x540a, kTcflsh = 0x540b, kTiocexcl = 0x540c,
                          kTiocnxcl = 0x540d, kTiocsctty = 0x540e, kTiocgpgrp = 0x540f,
                          kTiocspgrp = 0x5410, kTiocoutq = 0x5411, kTiocsti = 0x5412,
                          kTiocgwinsz = 0x5413, kTiocswinsz = 0x5414, kFionread = 0x541b,
                          kTiocgsoftcar = 0x5419,
                          kTiocssoftcar = 0x541a,
                          kTiocpkt = 0x5420, kTiocnotty = 0x5422, kTiocsetd = 0x5423,
                          kTiocgetd = 0x5424, kTcsbrkp = 0x5425, kTiocsbrk = 0x5427,
                          kTioccbrk = 0x5428, kTiocgsid = 0x5429, kTcgets2 = 0x802c542a,
                          kTcsets2 = 0x402c542b, kTcsetsw2 = 0x402c542c, kTcsetsf2 = 0x402c542d,
                          kTiocgptn = 0x80045430, kTiocsptlck = 0x40045431, kTiocgdev = 0x80045432,
                          kTiocsig = 0x40045436, kTiocvhangup = 0x5437, kTiocgpkt = 0x80045438,
                          kTiocgptlck = 0x80045439, kTiocgexcl = 0x80045440, kTiocgptpeer = 0x5441;

struct AbiTermio {
  uint16_t input, output, control, local;
  uint8_t line;
  uint8_t characters[8];
  uint8_t hole;
};
struct AbiTermios {
  uint32_t input, output, control, local;
  uint8_t line;
  uint8_t characters[19];
};
struct AbiTermios2 {
  uint32_t input, output, control, local;
  uint8_t line;
  uint8_t characters[19];
  uint32_t input_speed, output_speed;
};
struct AbiWindowSize {
  uint16_t rows, columns, x_pixels, y_pixels;
};
static_assert(sizeof(AbiTermio) == 18 && sizeof(AbiTermios) == 36 && sizeof(AbiTermios2) == 44);

}  // namespace kernel::tty
