// SPDX-License-Identifier: MIT
// Who gets a device, and when it is free again, with a file system that only counts.

#include "fs/vfs/device_mount.h"
#include "dev/block_device.h"
#include "fs/vfs/synthetic.h"
#include "lib/ktest.h"

namespace kernel {
namespace {

class EmptyDevice final : public BlockDevice {
 public:
  explicit EmptyDevice(bool read_only)
      : BlockDevice({.sectors = 16, .read_only = read_only, .limits = {}}) {}

 protected:
  void start(BlockRequest& request) override {
    if (request.abandon(Errno::Io)) request.finish();
  }
};

constinit Atomic<uint32_t> unmounts;

class CountingSuperBlock final : public SuperBlock {
 public:
  explicit CountingSuperBlock(BlockDevice& device) : SuperBlock("counting", device) {}
  Result<> fill() {
    root_ = TRY(make_ref<StaticDirectory>(*this));
    return {};
  }
  Ref<Inode> root() override { return Ref<Inode>(*root_); }
  FileSystemStatistics statistics() override { return {}; }
  void unmount() override {
    root_.reset();
    unmounts.fetch_add_relaxed(1);
  }

 private:
  Optional<Ref<StaticDirectory>> root_;
};

Result<Ref<SuperBlock>> mount_counting(BlockDevice& device, const DeviceMount& how) {
  if (how.options == "refuse") return Errno::Inval;
  Ref<CountingSuperBlock> super_block = TRY(make_ref<CountingSuperBlock>(device));
  TRY(super_block->fill());
  return Ref<SuperBlock>(std::move(super_block));
}

constinit FileSystemType counting{
    .name = "counting", .mount = nullptr, .mount_device = mount_counting};
constinit FileSystemType other{
    .name = "other", .mount = nullptr, .mount_device = mount_counting};

Result<Ref<Mount>> mount(BlockDevice& device, uint32_t flags, StringView options = {},
                         FileSystemType& type = counting) {
  return vfs::mount_device(type, device, "device", flags, options);
}

KTEST(device_mounts) {
  unmounts.store_relaxed(0);
  Ref<BlockDevice> device = make_ref<EmptyDevice>(false).take();
  int somebody = 0;
  EXPECT(mount(*device, 0, "refuse").failed_with(Errno::Inval));
  EXPECT(device->claim(&somebody).ok());
  EXPECT(mount(*device, 0).failed_with(Errno::Busy));
  device->release(&somebody);
  {
    Result<Ref<Mount>> first = mount(*device, 0);
    EXPECT(first.ok());
    Result<Ref<Mount>> second = mount(*device, 0);
    EXPECT(second.ok() && &(*second)->super_block() == &(*first)->super_block());
    EXPECT(mount(*device, kMountReadOnly).failed_with(Errno::Busy));
    EXPECT(mount(*device, 0, {}, other).failed_with(Errno::Busy));
    EXPECT(device->claim(&somebody).failed_with(Errno::Busy));
    EXPECT(unmounts.load_relaxed() == 0);
  }
  EXPECT(unmounts.load_relaxed() == 1);
  EXPECT(device->claim(&somebody).ok());
  device->release(&somebody);
  EXPECT(mount(*device, kMountReadOnly).ok());
  EXPECT(unmounts.load_relaxed() == 2);
}

KTEST(device_mount_read_only) {
  Ref<BlockDevice> device = make_ref<EmptyDevice>(true).take();
  EXPECT(mount(*device, 0).failed_with(Errno::Acces));
  Result<Ref<Mount>> mounted = mount(*device, kMountReadOnly);
  EXPECT(mounted.ok() && (*mounted)->super_block().read_only());
}

}  // namespace
}  // namespace kernel
