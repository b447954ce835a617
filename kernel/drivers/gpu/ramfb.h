// SPDX-License-Identifier: MIT
// QEMU's ramfb: a display that shows a piece of the guest's memory, which a file of the firmware
// configuration device describes.
#pragma once

#include "drivers/firmware/fw_cfg.h"

namespace kernel::ramfb {

inline constexpr StringView kFileName = "etc/ramfb";

// Makes the display of the size that video= asks for, or of a smaller one that memory suffices for,
// and registers it. Errors: NoMem, and those of FwCfg::write.
Result<> start(FwCfg& device, FwCfg::File file);

}  // namespace kernel::ramfb
