// SPDX-License-Identifier: MIT
// See block_registry.h. Few devices, looked up at open and mount only: a list.

#include "dev/block_registry.h"

#include "dev/partition_table.h"
#include "lib/command_line.h"
#include "lib/format.h"
#include "lib/log.h"
#include "sched/mutex.h"

namespace kernel {
namespace {

constinit Mutex<LockRank::DriverThread> lock;
constinit List<BlockDevice> devices GUARDED_BY(lock);  // each entry one reference
constinit BlockRegistry::Sink device_sink GUARDED_BY(lock) = nullptr;
constinit uint32_t next_extended_minor GUARDED_BY(lock) = 0;
constinit Atomic<uint64_t> disks_registered;

// Requests to it are requests to its disk, further on.
class Partition final : public BlockDevice {
 public:
  Partition(Ref<BlockDevice> disk, Geometry geometry, const PartitionEntry& entry)
      : BlockDevice(geometry), disk_(std::move(disk)), entry_(entry) {}
  BlockDevice* disk() const override { return disk_.get(); }
  const PartitionEntry* partition() const override { return &entry_; }
  StringView driver_name() const override { return disk_->driver_name(); }

 protected:
  void start(BlockRequest& request) override { forward(*disk_, entry_.start, request); }

 private:
  Ref<BlockDevice> disk_;
  PartitionEntry entry_;
};

class DeviceReader final : public SectorReader {
 public:
  explicit DeviceReader(BlockDevice& device) : device_(device) {}
  Result<> read(uint64_t byte_offset, std::span<uint8_t> bytes) override {
    return device_.read(byte_offset, bytes);
  }

 private:
  BlockDevice& device_;
};

// "vda" … "vdz", "vdaa" …
Result<String> disk_name(StringView prefix, unsigned index) {
  char letters[8];
  size_t at = sizeof letters;
  for (unsigned rest = index + 1; rest != 0; rest = (rest - 1) / 26)
    letters[--at] = static_cast<char>('a' + (rest - 1) % 26);
  return format_string("{}{}", prefix, StringView(letters + at, sizeof letters - at));
}

}  // namespace

// --- Registration ----------------------------------------------------------------------

// What knows the private parts of a device.
struct BlockRegistry::Entry {
  static Result<> add(Ref<BlockDevice> device, String name, uint32_t major, uint32_t minor,
                      BlockDevice* behind);
  static Result<> add_partitions(BlockDevice& disk);
  static Result<> remove_partitions(BlockDevice& disk);
};

Result<> BlockRegistry::Entry::add(Ref<BlockDevice> device, String name, uint32_t major,
                                   uint32_t minor, BlockDevice* behind) {
  device->name_ = std::move(name);
  device->major_ = major;
  device->minor_ = minor;
  Sink tell;
  {
    Guard guard(lock);
    if (behind != nullptr) {
      devices.insert_after(*behind, *device);
    } else {
      devices.push_back(*device);
    }
    device->present_.store_relaxed(true);
    tell = device_sink;
  }
  BlockDevice& added = *std::move(device).leak();
  return tell == nullptr ? Result<>() : tell(added, true);
}

Result<> BlockRegistry::Entry::add_partitions(BlockDevice& disk) {
  DeviceReader reader(disk);
  Vector<PartitionEntry> entries =
      TRY(read_partition_table(reader, {.sectors = disk.sectors(),
                                        .logical_block_size = disk.logical_block_size(),
                                        .trust_backup = command_line::has("gpt")}));
  BlockDevice* behind = &disk;
  for (const PartitionEntry& entry : entries) {
    BlockDevice::Geometry geometry = disk.geometry();
    geometry.sectors = entry.sectors;
    Ref<BlockDevice> partition =
        TRY(make_ref<Partition>(Ref<BlockDevice>(disk), geometry, entry));
    // "vda1", but "nvme0n1p1".
    char last = disk.name().back();
    bool digit = last >= '0' && last <= '9';
    String name = TRY(format_string(digit ? "{}p{}" : "{}{}", disk.name(), entry.number));
    uint32_t major = disk.major();
    uint32_t minor = disk.minor() + entry.number;
    if (entry.number >= disk.minors_) {
      Guard guard(lock);
      major = kExtendedMajor;
      minor = next_extended_minor++;
    }
    BlockDevice* added = partition.get();
    TRY(add(std::move(partition), std::move(name), major, minor, behind));
    behind = added;
  }
  return {};
}

Result<> BlockRegistry::Entry::remove_partitions(BlockDevice& disk) {
  List<BlockDevice> gone;
  Sink tell;
  {
    Guard guard(lock);
    for (BlockDevice& device : devices) {
      if (device.disk() == &disk && (device.openers_ != 0 || device.claims_ != 0))
        return Errno::Busy;
    }
    for (BlockDevice* device = devices.front(); device != nullptr;) {
      BlockDevice* next = devices.next(*device);
      if (device->disk() == &disk) {
        devices.remove(*device);
        device->present_.store_relaxed(false);
        gone.push_back(*device);
      }
      device = next;
    }
    tell = device_sink;
  }
  while (BlockDevice* device = gone.pop_front()) {
    if (tell != nullptr) ignore(tell(*device, false));  // a node that somebody removed already
    device->unref();
  }
  return {};
}

Result<> BlockRegistry::add_disk(Ref<BlockDevice> disk, const Family& family, unsigned index) {
  BlockDevice& device = *disk;
  device.minors_ = family.minors;
  device.sequence_ = disks_registered.fetch_add_relaxed(1) + 1;
  TRY(Entry::add(std::move(disk), TRY(disk_name(family.prefix, index)), family.major,
                 index * family.minors, nullptr));
  uint32_t block = device.logical_block_size();
  log_info("{}: {} blocks of {} bytes{}", device.name(), device.size() / block, block,
           device.read_only() ? ", read-only" : "");
  // A disk whose table cannot be read is still a disk.
  if (Result<> scanned = Entry::add_partitions(device); !scanned.ok())
    log_warning("{}: error {} reading the partition table", device.name(), scanned.error());
  return {};
}

Result<> BlockRegistry::rescan(BlockDevice& disk) {
  if (disk.disk() != nullptr) return Errno::Inval;
  TRY(Entry::remove_partitions(disk));
  return Entry::add_partitions(disk);
}

Result<> BlockRegistry::set_sink(Sink sink) {
  {
    Guard guard(lock);
    device_sink = sink;
  }
  Vector<Ref<BlockDevice>> present = TRY(all());
  for (const Ref<BlockDevice>& device : present) TRY(sink(*device, true));
  return {};
}

// --- Looking up ------------------------------------------------------------------------

Optional<Ref<BlockDevice>> BlockRegistry::find(StringView name) {
  Guard guard(lock);
  for (BlockDevice& device : devices) {
    if (device.name() == name) return Ref<BlockDevice>(device);
  }
  return {};
}

Optional<Ref<BlockDevice>> BlockRegistry::find(uint32_t major, uint32_t minor) {
  Guard guard(lock);
  for (BlockDevice& device : devices) {
    if (device.major() == major && device.minor() == minor) return Ref<BlockDevice>(device);
  }
  return {};
}

Optional<Ref<BlockDevice>> BlockRegistry::find_partition(const BlockDevice& disk,
                                                         uint64_t number) {
  Guard guard(lock);
  for (BlockDevice& device : devices) {
    if (device.disk() == &disk && device.partition()->number == number)
      return Ref<BlockDevice>(device);
  }
  return {};
}

Result<Vector<Ref<BlockDevice>>> BlockRegistry::all() {
  Vector<Ref<BlockDevice>> found;
  Guard guard(lock);
  for (BlockDevice& device : devices) TRY(found.append(Ref<BlockDevice>(device)));
  return found;
}

// --- Users -----------------------------------------------------------------------------

Result<> BlockRegistry::open(BlockDevice& device) {
  Guard guard(lock);
  if (!device.is_present()) return Errno::NxIo;
  ++device.openers_;
  return {};
}

bool BlockRegistry::close(BlockDevice& device) {
  Guard guard(lock);
  return --device.openers_ == 0;
}

Result<> BlockDevice::claim(const void* holder) {
  Guard guard(lock);
  if (holder_ != nullptr && holder_ != holder) return Errno::Busy;
  if (claimed_partitions_ != 0) return Errno::Busy;
  if (disk() != nullptr && disk()->holder_ != nullptr) return Errno::Busy;
  holder_ = holder;
  if (claims_++ == 0 && disk() != nullptr) ++disk()->claimed_partitions_;
  return {};
}

void BlockDevice::release([[maybe_unused]] const void* holder) {
  Guard guard(lock);
  DCHECK(holder_ == holder);
  if (--claims_ != 0) return;
  holder_ = nullptr;
  if (disk() != nullptr) --disk()->claimed_partitions_;
}

}  // namespace kernel
