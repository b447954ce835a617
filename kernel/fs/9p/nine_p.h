// SPDX-License-Identifier: MIT
// The file system type "9p": a tree of the host, by 9P2000.L over virtio (docs/design/nine_p.md).
#pragma once

namespace kernel::p9 {

void init();

}  // namespace kernel::p9
