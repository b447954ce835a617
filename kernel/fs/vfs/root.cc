// SPDX-License-Identifier: MIT
// The first mount: a tmpfs that cannot be unmounted, which the initramfs is unpacked into.

#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs/anonymous.h"
#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/vfs.h"
#include "mm/frames.h"
#include "vm/mapping.h"

namespace kernel {

Result<Ref<FsContext>> vfs::mount_root() {
  TmpfsSuperBlock::Options options;
  options.mode = 0755;
  options.max_blocks = options.max_inodes = frames::statistics().total_pages / 2;
  Ref<TmpfsSuperBlock> super_block = TRY(TmpfsSuperBlock::create("rootfs", options));
  Ref<Mount> mount = TRY(MountTree::make(std::move(super_block), "rootfs", 0));
  MountTree::set_root(mount);
  Path root(mount, Ref<Dentry>(mount->root()));
  constexpr uint16_t kUmask = 0022;
  Ref<FsContext> context = TRY(FsContext::create(root, root, kUmask));
  // The kernel's own places: init gets a copy that it may move.
  Ref<FsContext> own = TRY(FsContext::create(root, root, 0));
  set_kernel_identity(std::move(own), TRY(Credentials::create_root()));
  set_file_references(
      {.ref = [](File& file) { file.ref(); },
       .unref = [](File& file) { file.unref(); },
       .mapped = [](File& file) { file.mapped(); },
       .unmapped = [](File& file) { file.unmapped(); }});
  TRY(anonymous::init());
  tmpfs::init();
  frames::add_reclaimer([](uint64_t wanted) -> uint64_t {
    // Names are small: a few dozen of them and their inodes give a page back, later.
    DentryCache::shrink(wanted * 16);
    return 0;
  });
  return context;
}

}  // namespace kernel
