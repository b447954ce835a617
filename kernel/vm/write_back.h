// SPDX-License-Identifier: MIT
// What is dirty, by file system, and its way to the disk.
#pragma once

#include "vm/disk_object.h"

namespace kernel {

// The files of one mounted file system or block device; a member of its superblock, which outlives
// them.
class WriteBackGroup : public Pinned {
 public:
  // Everything that is dirty now goes to the disk; waits for it. For SuperBlock::synchronise(),
  // which then commits its journal and flushes the device. The first error of any file.
  Result<> synchronise();
};

}  // namespace kernel
