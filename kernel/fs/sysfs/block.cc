// SPDX-License-Identifier: MIT
// Block devices in sysfs(5), as far as lsblk(8), blkid(8) and libblkid look:
//
//   devices/virtual/block/DISK/             attributes, queue/, holders/, slaves/, subsystem
//   devices/virtual/block/DISK/PARTITION/   attributes, holders/, subsystem
//   block/DISK, class/block/NAME, dev/block/MAJOR:MINOR   links to these
//
// As with character devices there is no tree of buses: Linux shows disks below their bus.

#include "fs/sysfs/block.h"

#include "dev/block_registry.h"

namespace kernel::sysfs {
namespace {

enum class Kind : uint64_t { Directory = 8, BlockLink, ClassLink, NumberLink, File, Queue };

uint64_t number_of(Kind kind, const BlockDevice& device, size_t index = 0) {
  return static_cast<uint64_t>(kind) << 60 | static_cast<uint64_t>(index) << 52 |
         static_cast<uint64_t>(device.major()) << 20 | device.minor();
}

using Generate = void (*)(FormatSink& sink, const BlockDevice& device);

template <uint64_t value>
void constant(FormatSink& sink, const BlockDevice&) {
  format(sink, "{}\n", value);
}

void statistics_text(FormatSink& sink, const BlockDevice& device) {
  format_statistics(sink, device, "{:8}");
  sink.write("\n");
}

void inflight_text(FormatSink& sink, const BlockDevice& device) {
  BlockStatistics statistics = device.statistics();
  format(sink, "{:8} {:8}\n", statistics.in_flight[0], statistics.in_flight[1]);
}

void uevent_text(FormatSink& sink, const BlockDevice& device) {
  const PartitionEntry* partition = device.partition();
  format(sink, "MAJOR={}\nMINOR={}\nDEVNAME={}\nDEVTYPE={}\n", device.major(), device.minor(),
         device.name(), partition == nullptr ? "disk" : "partition");
  format(sink, "DISKSEQ={}\n", device.disk_sequence());
  if (partition == nullptr) return;
  format(sink, "PARTN={}\n", partition->number);
  if (partition->label[0] != '\0') format(sink, "PARTNAME={}\n", StringView(partition->label));
}

struct Attribute {
  enum class Of : uint8_t { Both, Disk, Partition };
  StringView name;
  Of of;
  Generate text;
};

constexpr Attribute kAttributes[] = {
    {"alignment_offset", Attribute::Of::Both, constant<0>},
    {"capability", Attribute::Of::Disk, constant<0>},
    {"dev", Attribute::Of::Both,
     [](FormatSink& sink, const BlockDevice& device) {
       format(sink, "{}:{}\n", device.major(), device.minor());
     }},
    {"discard_alignment", Attribute::Of::Both, constant<0>},
    {"diskseq", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice& device) {
       format(sink, "{}\n", device.disk_sequence());
     }},
    {"ext_range", Attribute::Of::Disk, constant<256>},
    {"hidden", Attribute::Of::Disk, constant<0>},
    {"inflight", Attribute::Of::Both, inflight_text},
    {"partition", Attribute::Of::Partition,
     [](FormatSink& sink, const BlockDevice& device) {
       format(sink, "{}\n", device.partition()->number);
     }},
    {"range", Attribute::Of::Disk, constant<16>},
    {"removable", Attribute::Of::Disk, constant<0>},
    {"ro", Attribute::Of::Both,
     [](FormatSink& sink, const BlockDevice& device) {
       sink.write(device.read_only() ? "1\n" : "0\n");
     }},
    {"serial", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice& device) { sink.write(device.serial()); }},
    {"size", Attribute::Of::Both,
     [](FormatSink& sink, const BlockDevice& device) { format(sink, "{}\n", device.sectors()); }},
    {"start", Attribute::Of::Partition,
     [](FormatSink& sink, const BlockDevice& device) {
       format(sink, "{}\n", device.partition()->start);
     }},
    {"stat", Attribute::Of::Both, statistics_text},
    {"uevent", Attribute::Of::Both, uevent_text},
};

void logical_block_text(FormatSink& sink, const BlockDevice& device) {
  format(sink, "{}\n", device.logical_block_size());
}
void physical_block_text(FormatSink& sink, const BlockDevice& device) {
  format(sink, "{}\n", device.physical_block_size());
}
void discard_max_text(FormatSink& sink, const BlockDevice& device) {
  format(sink, "{}\n", uint64_t{device.limits().max_discard_sectors} << kSectorShift);
}

constexpr Attribute kQueueAttributes[] = {
    {"add_random", Attribute::Of::Disk, constant<0>},
    {"dax", Attribute::Of::Disk, constant<0>},
    {"discard_granularity", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice& device) {
       format(sink, "{}\n", device.limits().discard_granularity);
     }},
    {"discard_max_bytes", Attribute::Of::Disk, discard_max_text},
    {"discard_max_hw_bytes", Attribute::Of::Disk, discard_max_text},
    {"discard_zeroes_data", Attribute::Of::Disk, constant<0>},
    {"fua", Attribute::Of::Disk, constant<0>},
    {"hw_sector_size", Attribute::Of::Disk, logical_block_text},
    {"logical_block_size", Attribute::Of::Disk, logical_block_text},
    {"max_sectors_kb", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice& device) {
       format(sink, "{}\n", device.max_request_sectors() / 2);
     }},
    {"max_segments", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice& device) {
       format(sink, "{}\n", device.limits().max_segments);
     }},
    {"minimum_io_size", Attribute::Of::Disk, physical_block_text},
    {"nr_requests", Attribute::Of::Disk, constant<256>},
    {"optimal_io_size", Attribute::Of::Disk, constant<0>},
    {"physical_block_size", Attribute::Of::Disk, physical_block_text},
    {"read_ahead_kb", Attribute::Of::Disk, constant<128>},
    {"rotational", Attribute::Of::Disk, constant<1>},
    {"scheduler", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice&) { sink.write("[none]\n"); }},
    {"write_cache", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice& device) {
       sink.write(device.has_volatile_cache() ? "write back\n" : "write through\n");
     }},
    {"write_zeroes_max_bytes", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice& device) {
       format(sink, "{}\n", uint64_t{device.limits().max_write_zeroes_sectors} << kSectorShift);
     }},
    {"zoned", Attribute::Of::Disk,
     [](FormatSink& sink, const BlockDevice&) { sink.write("none\n"); }},
};

class DeviceText final : public AttributeText {
 public:
  DeviceText(SuperBlock& super_block, uint64_t number, Generate text, Ref<BlockDevice> device)
      : AttributeText(super_block, number), text_(text), device_(std::move(device)) {}
  Result<> generate(FormatSink& sink) override { return text_(sink, *device_), Result<>(); }

 private:
  Generate text_;
  Ref<BlockDevice> device_;
};

// A directory of a device: a table of attributes and, for the device itself, more.
class DeviceDirectory : public DynamicDirectory {
 public:
  DeviceDirectory(SuperBlock& super_block, uint64_t number, std::span<const Attribute> attributes,
                  Kind file_kind, Ref<BlockDevice> device)
      : DynamicDirectory(super_block, 0755, number),
        attributes_(attributes),
        file_kind_(file_kind),
        device_(std::move(device)) {
    needs_revalidation_ = true;
    caches_absent_names_ = false;
  }
  bool revalidate() override { return device_->is_present(); }

  Result<Ref<Inode>> lookup(StringView name) override {
    for (size_t i = 0; i < attributes_.size(); ++i) {
      if (attributes_[i].name == name && has(attributes_[i]))
        return Ref<Inode>(TRY(make_ref<DeviceText>(super_block(), file_number(i),
                                                   attributes_[i].text, device_)));
    }
    return Errno::NoEnt;
  }
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    for (size_t i = offset - 2; i < attributes_.size(); ++i) {
      if (has(attributes_[i]) &&
          !sink.entry(attributes_[i].name, file_number(i), FileType::Regular, i + 3))
        return {};
    }
    return {};
  }

 protected:
  BlockDevice& device() const { return *device_; }
  size_t attribute_count() const { return attributes_.size(); }

 private:
  bool has(const Attribute& attribute) const {
    return attribute.of == Attribute::Of::Both ||
           (attribute.of == Attribute::Of::Disk) == (device_->partition() == nullptr);
  }
  uint64_t file_number(size_t index) const { return number_of(file_kind_, *device_, index); }

  std::span<const Attribute> attributes_;
  Kind file_kind_;
  Ref<BlockDevice> device_;
};

class DiskDirectory final : public DeviceDirectory {
 public:
  DiskDirectory(SuperBlock& super_block, Ref<BlockDevice> device)
      : DeviceDirectory(super_block, number_of(Kind::Directory, *device), kAttributes, Kind::File,
                        device) {}
  Result<Ref<Inode>> lookup(StringView name) override;
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override;

 private:
  bool is_disk() const { return device().partition() == nullptr; }
  // Behind the attributes, in this order; a partition has no queue and no slaves.
  static constexpr StringView kOthers[] = {"holders", "subsystem", "queue", "slaves"};
  size_t other_count() const { return is_disk() ? 4 : 2; }
};

Result<Ref<Inode>> DiskDirectory::lookup(StringView name) {
  SuperBlock& super = super_block();
  uint64_t number = number_of(Kind::File, device(), 0xff);
  if (name == "subsystem") {
    return make_link(super, number,
                     TRY(String::create(is_disk() ? "../../../../class/block"
                                                  : "../../../../../class/block")));
  }
  if (name == "holders" || (is_disk() && name == "slaves"))
    return Ref<Inode>(TRY(make_ref<StaticDirectory>(super)));
  if (is_disk() && name == "queue") {
    return Ref<Inode>(TRY(make_ref<DeviceDirectory>(super, number_of(Kind::Queue, device()),
                                                    kQueueAttributes, Kind::Queue,
                                                    Ref<BlockDevice>(device()))));
  }
  Optional<Ref<BlockDevice>> partition = BlockRegistry::find(name);
  if (partition && partition->disk() == &device())
    return Ref<Inode>(TRY(make_ref<DiskDirectory>(super, partition.take())));
  return DeviceDirectory::lookup(name);
}

Result<> DiskDirectory::read_directory(uint64_t offset, DirectorySink& sink) {
  uint64_t cookie = 2 + attribute_count();
  if (offset < cookie) {
    bool room = true;
    struct Watch final : DirectorySink {
      Watch(DirectorySink& behind, bool& more) : sink(behind), room(more) {}
      bool entry(StringView name, uint64_t inode, FileType type, uint64_t next) override {
        return room = sink.entry(name, inode, type, next);
      }
      DirectorySink& sink;
      bool& room;
    } watch(sink, room);
    TRY(DeviceDirectory::read_directory(offset, watch));
    if (!room) return {};
  }
  for (size_t i = 0; i < other_count(); ++i, ++cookie) {
    FileType type = kOthers[i] == "subsystem" ? FileType::Symlink : FileType::Directory;
    if (cookie >= offset &&
        !sink.entry(kOthers[i], number_of(Kind::File, device(), 0xf0 + i), type, cookie + 1))
      return {};
  }
  Vector<Ref<BlockDevice>> devices = TRY(BlockRegistry::all());
  for (const Ref<BlockDevice>& partition : devices) {
    if (partition->disk() != &device()) continue;
    if (cookie >= offset &&
        !sink.entry(partition->name(), number_of(Kind::Directory, *partition), FileType::Directory,
                    cookie + 1))
      return {};
    ++cookie;
  }
  return {};
}

// The links to the devices, or the disks' own directories.
class DeviceList final : public DynamicDirectory {
 public:
  DeviceList(SuperBlock& super_block, Kind kind, StringView up)
      : DynamicDirectory(super_block, 0755), kind_(kind), up_(up) {
    caches_absent_names_ = false;
  }

  Result<Ref<Inode>> lookup(StringView name) override {
    Vector<Ref<BlockDevice>> devices = TRY(BlockRegistry::all());
    for (const Ref<BlockDevice>& device : devices) {
      char buffer[kNameRoom];
      if (lists(*device) && name_of(*device, buffer) == name) return make(device);
    }
    return Errno::NoEnt;
  }

  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    Vector<Ref<BlockDevice>> devices = TRY(BlockRegistry::all());
    uint64_t cookie = 2;
    for (const Ref<BlockDevice>& device : devices) {
      if (!lists(*device)) continue;
      char buffer[kNameRoom];
      FileType type = kind_ == Kind::Directory ? FileType::Directory : FileType::Symlink;
      if (cookie >= offset &&
          !sink.entry(name_of(*device, buffer), number_of(kind_, *device), type, cookie + 1))
        break;
      ++cookie;
    }
    return {};
  }

 private:
  static constexpr size_t kNameRoom = 24;
  bool lists(const BlockDevice& device) const {
    return device.partition() == nullptr || kind_ == Kind::ClassLink || kind_ == Kind::NumberLink;
  }
  StringView name_of(const BlockDevice& device, std::span<char, kNameRoom> buffer) const {
    if (kind_ != Kind::NumberLink) return device.name();
    BufferSink name(buffer);
    format(name, "{}:{}", device.major(), device.minor());
    return name.view();
  }
  Result<Ref<Inode>> make(const Ref<BlockDevice>& device) {
    if (kind_ == Kind::Directory)
      return Ref<Inode>(TRY(make_ref<DiskDirectory>(super_block(), device)));
    StringSink target;
    format(target, "{}devices/virtual/block/", up_);
    if (device->disk() != nullptr) format(target, "{}/", device->disk()->name());
    target.write(device->name());
    return make_link(super_block(), number_of(kind_, *device), TRY(target.take()));
  }

  Kind kind_;
  StringView up_;
};

}  // namespace

Result<> add_block_devices(const BlockPlaces& places) {
  SuperBlock& super_block = places.root.super_block();
  auto add = [&](StaticDirectory& parent, Kind kind, StringView up) -> Result<> {
    return parent.add("block", TRY(make_ref<DeviceList>(super_block, kind, up)));
  };
  TRY(add(places.root, Kind::BlockLink, "../"));
  TRY(add(places.virtual_devices, Kind::Directory, ""));
  TRY(add(places.classes, Kind::ClassLink, "../../"));
  return add(places.dev, Kind::NumberLink, "../../");
}

}  // namespace kernel::sysfs
