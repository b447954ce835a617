// SPDX-License-Identifier: MIT
// All block devices of the machine, by name and number, each disk followed by its partitions.
#pragma once

#include "dev/block_device.h"
#include "lib/vector.h"

namespace kernel {

class BlockRegistry {
 public:
  // How a driver's disks are called and numbered: "vd", 254, 16 gives vda 254:0, vdb 254:16, and
  // vda1 254:1; partitions that have no minor number there are 259:N, as on Linux.
  struct Family {
    StringView prefix;
    uint32_t major;
    uint32_t minors;
  };
  static constexpr uint32_t kExtendedMajor = 259;

  // Registered for good, with the partitions that it has. Thread context; reads the disk.
  static Result<> add_disk(Ref<BlockDevice> disk, const Family& family, unsigned index);
  // Reads the partition table again. Errors: Busy while a partition is open or claimed, Inval for
  // a partition.
  static Result<> rescan(BlockDevice& disk);

  static Optional<Ref<BlockDevice>> find(StringView name);
  static Optional<Ref<BlockDevice>> find(uint32_t major, uint32_t minor);
  static Optional<Ref<BlockDevice>> find_partition(const BlockDevice& disk, uint64_t number);
  static Result<Vector<Ref<BlockDevice>>> all();

  // Counts an open file on it; refused (NxIo) when the partition has just gone.
  static Result<> open(BlockDevice& device);
  // True for the last one.
  static bool close(BlockDevice& device);

  // The device file system: told of every device that comes or goes, those there are first. Once.
  using Sink = Result<> (*)(BlockDevice& device, bool present);
  static Result<> set_sink(Sink sink);

 private:
  struct Entry;
};

}  // namespace kernel
