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
#include "vm/shrinker.h"

namespace kernel {
namespace {

// Names that nobody uses, and their inodes.
class DentryShrinker final : public Shrinker {
 public:
  uint64_t count() override { return DentryCache::statistics().total; }
  size_t object_bytes() const override { return sizeof(Dentry) + sizeof(Inode); }
  uint64_t shrink(uint64_t wanted) override { return DentryCache::shrink(wanted); }
};
constinit DentryShrinker dentry_shrinker;

}  // namespace

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
       .unmapped = [](File& file) { file.unmapped(); },
       .synchronise = [](File& file) { return file.synchronise(/*data_only=*/true); }});
  TRY(anonymous::init());
  tmpfs::init();
  dentry_shrinker.register_shrinker();
  return context;
}

}  // namespace kernel
