// SPDX-License-Identifier: MIT
// See device_mount.h.

#include "fs/vfs/device_mount.h"

#include "dev/block_registry.h"
#include "fs/block/block_pages.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/vfs.h"

namespace kernel::vfs {
namespace {

struct Mounted {
  SuperBlock* super_block;  // alive: a mount holds it, or is just ending
  FileSystemType* type;     // whose claim on the device it is
};

constinit Mutex<LockRank::DeviceMounts> lock;
constinit Vector<Mounted> mounted GUARDED_BY(lock);

Result<Ref<SuperBlock>> get_super_block(FileSystemType& type, BlockDevice& device,
                                        const DeviceMount& how) REQUIRES(lock) {
  for (const Mounted& present : mounted) {
    if (present.super_block->block_device() != &device) continue;
    if (present.type != &type || present.super_block->read_only() != how.read_only)
      return Errno::Busy;
    return Ref<SuperBlock>(*present.super_block);
  }
  if (device.read_only() && !how.read_only) return Errno::Acces;
  TRY(mounted.reserve(mounted.size() + 1));
  TRY(device.claim(&type));
  // What was written through the device's node is what the file system finds.
  Result<> ready = BlockPages::write_back_all(device);
  Result<Ref<SuperBlock>> made =
      ready.ok() ? type.mount_device(device, how) : Result<Ref<SuperBlock>>(ready.error());
  if (!made.ok()) {
    device.release(&type);
    return made;
  }
  if (how.read_only) (*made)->read_only_.store_relaxed(true);
  mounted.append_reserved({made->get(), &type});
  return made;
}

}  // namespace

Result<Ref<BlockDevice>> find_block_device(StringView path) {
  if (path.empty()) return Errno::Inval;
  Path place = TRY(lookup({}, path, LookupFlags::Follow));
  if (place.inode().type() != FileType::BlockDevice) return Errno::NotBlk;
  if (place.mount().has(kMountNoDev)) return Errno::Acces;
  DeviceNumber number = place.inode().device();
  Optional<Ref<BlockDevice>> device = BlockRegistry::find(number.major, number.minor);
  if (!device) return Errno::NxIo;
  return device.take();
}

Result<Ref<Mount>> mount_device(FileSystemType& type, BlockDevice& device, StringView source,
                                uint32_t flags, StringView options) {
  Guard guard(lock);
  DeviceMount how{.options = options, .read_only = (flags & kMountReadOnly) != 0};
  Ref<SuperBlock> super_block = TRY(get_super_block(type, device, how));
  // Under the lock: until the mount counts, the superblock is one that nobody shows.
  return MountTree::make(std::move(super_block), source, flags);
}

Result<Ref<Mount>> mount_device(FileSystemType& type, StringView source, uint32_t flags,
                                StringView options) {
  Ref<BlockDevice> device = TRY(find_block_device(source));
  return mount_device(type, *device, source, flags, options);
}

void device_unmounted(SuperBlock& super_block) {
  Guard guard(lock);
  if (super_block.mounts.load_acquire() != 0) return;
  for (size_t i = 0; i < mounted.size(); ++i) {
    if (mounted[i].super_block != &super_block) continue;
    super_block.unmount();
    super_block.block_device()->release(mounted[i].type);
    mounted[i] = mounted.back();
    mounted.pop_back();
    return;
  }
}

Result<> synchronise_devices() {
  Guard guard(lock);
  Result<> first;
  for (const Mounted& present : mounted) {
    Result<> result = present.super_block->synchronise();
    if (first.ok()) first = result;
  }
  return first;
}

}  // namespace kernel::vfs
