// SPDX-License-Identifier: MIT
// See block_text.h.

#include "procfs/block_text.h"

#include "dev/block_registry.h"

namespace kernel::procfs {

Result<> partitions_text(FormatSink& sink) {
  Vector<Ref<BlockDevice>> devices = TRY(BlockRegistry::all());
  if (!devices.empty()) sink.write("major minor  #blocks  name\n\n");
  for (const Ref<BlockDevice>& device : devices) {
    if (device->sectors() != 0)
      format(sink, "{:4}  {:7} {:10} {}\n", device->major(), device->minor(),
             device->sectors() / 2, device->name());
  }
  return {};
}

Result<> diskstats_text(FormatSink& sink) {
  Vector<Ref<BlockDevice>> devices = TRY(BlockRegistry::all());
  for (const Ref<BlockDevice>& device : devices) {
    format(sink, "{:4} {:7} {} ", device->major(), device->minor(), device->name());
    format_statistics(sink, *device, "{}");
    sink.write("\n");
  }
  return {};
}

Result<> block_majors_text(FormatSink& sink) {
  Vector<Ref<BlockDevice>> devices = TRY(BlockRegistry::all());
  uint32_t last = 0;
  for (const Ref<BlockDevice>& device : devices) {
    if (device->disk() != nullptr || device->major() == last) continue;
    last = device->major();
    format(sink, "{:3} {}\n", last, device->driver_name());
  }
  if (last != 0) format(sink, "{:3} blkext\n", BlockRegistry::kExtendedMajor);
  return {};
}

}  // namespace kernel::procfs
