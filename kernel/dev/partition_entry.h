// SPDX-License-Identifier: MIT
// Where a partition lies on its disk, and what its table calls it.
#pragma once

#include "lib/types.h"

namespace kernel {

struct PartitionEntry {
  unsigned number = 0;   // from 1
  uint64_t start = 0;    // sectors of 512 bytes
  uint64_t sectors = 0;
  char uuid[37] = {};    // PARTUUID, or empty
  char label[37] = {};   // PARTLABEL's low bytes, as Linux has it, or empty
};

}  // namespace kernel
