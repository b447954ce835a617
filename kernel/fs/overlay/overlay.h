// SPDX-License-Identifier: MIT
// overlayfs: directories of other file systems laid over one another (Linux's
// Documentation/filesystems/overlayfs.rst). The type, for boot.
#pragma once

namespace kernel::overlay {

void init();

}  // namespace kernel::overlay
