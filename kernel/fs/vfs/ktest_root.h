// SPDX-License-Identifier: MIT
// For in-kernel tests of names and files: the first mount, which boot makes only after the tests.
#pragma once

#include "fs/vfs/vfs.h"

namespace kernel {

inline bool make_root_once() {
  static constinit bool made = false;
  if (!made) made = vfs::mount_root().ok();
  return made;
}

}  // namespace kernel
