// SPDX-License-Identifier: MIT
// /proc/partitions, /proc/diskstats, and the block devices of /proc/devices.
#pragma once

#include "lib/format.h"

namespace kernel::procfs {

Result<> partitions_text(FormatSink& sink);
Result<> diskstats_text(FormatSink& sink);
Result<> block_majors_text(FormatSink& sink);

}  // namespace kernel::procfs
