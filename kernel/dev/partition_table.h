// SPDX-License-Identifier: MIT
// What a disk's partition table says: GPT (UEFI 2.10, chapter 5.3) or MBR with extended partitions.
// What it accepts, ignores or cuts short is what Linux accepts, ignores or cuts short.
#pragma once

#include <span>

#include "dev/partition_entry.h"
#include "lib/vector.h"

namespace kernel {

class SectorReader {
 public:
  // Whole logical blocks, inside the disk.
  virtual Result<> read(uint64_t byte_offset, std::span<uint8_t> bytes) = 0;

 protected:
  ~SectorReader() = default;
};

struct DiskShape {
  uint64_t sectors;             // of 512 bytes
  uint32_t logical_block_size;
  // The kernel's word "gpt": the copy at the disk's end counts when the table at its start is
  // damaged.
  bool trust_backup = false;
};

// Empty when there is no table. Errors: Io, NoMem.
Result<Vector<PartitionEntry>> read_partition_table(SectorReader& reader, const DiskShape& disk);

}  // namespace kernel
