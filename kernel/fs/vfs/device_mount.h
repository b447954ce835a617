// SPDX-License-Identifier: MIT
// Mounting what lies on block devices: the device behind a path, claimed for one file system,
// which all mounts of the device share.
#pragma once

#include "fs/vfs/mount.h"
#include "fs/vfs/super_block.h"

namespace kernel::vfs {

// The device that a path names. Errors: NotBlk, Acces (nodev), NxIo, those of the walk.
Result<Ref<BlockDevice>> find_block_device(StringView path);

// A mount of the device, attached to nothing yet. Errors: Acces to write to what is read-only,
// Busy when somebody else uses the device, or it is mounted the other way (ro, rw); the file
// system's.
Result<Ref<Mount>> mount_device(FileSystemType& type, BlockDevice& device, StringView source,
                                uint32_t flags, StringView options);
// The same for the device that a path names.
Result<Ref<Mount>> mount_device(FileSystemType& type, StringView source, uint32_t flags,
                                StringView options);
// The last mount of it has gone, or so it seemed: it may be mounted again.
void device_unmounted(SuperBlock& super_block);

// sync(2): every file system on a device. The first error.
Result<> synchronise_devices();

}  // namespace kernel::vfs
