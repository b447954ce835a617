// SPDX-License-Identifier: MIT
// See memfd.h.

#include "fs/event/memfd.h"

#include "fs/tmpfs/tmpfs_inode.h"
#include "fs/vfs/anonymous.h"
#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/open.h"

namespace kernel::memfd {
namespace {

// The file system of all of them, made with the first one.
Result<Ref<Mount>> shmem_mount() {
  static constinit Mutex<LockRank::FsContext> lock;
  static constinit Mount* mount = nullptr;
  static constinit Atomic<Mount*> made;
  if (Mount* present = made.load_acquire()) return Ref<Mount>(*present);
  Ref<TmpfsSuperBlock> super_block = TRY(TmpfsSuperBlock::create("tmpfs", {}));
  Ref<Mount> fresh = TRY(vfs::internal_mount(std::move(super_block)));
  Guard guard(lock);
  if (mount == nullptr) {
    mount = std::move(fresh).leak();  // stays for good
    made.store_release(mount);
  }
  return Ref<Mount>(*mount);
}

bool has_seals(File& file) {
  Inode& inode = file.inode();
  StringView type = inode.super_block().type_name();
  return inode.type() == FileType::Regular &&
         (type == "tmpfs" || type == "rootfs" || type == "devtmpfs");
}

}  // namespace

Result<Path> make_place(StringView label) {
  Ref<Mount> mount = TRY(shmem_mount());
  CreateParameters parameters;
  parameters.mode = 0777;
  parameters.uid = vfs::acting_credentials().fsuid;
  parameters.gid = vfs::acting_credentials().fsgid;
  auto& tmpfs = static_cast<TmpfsSuperBlock&>(mount->super_block());
  Ref<TmpfsInode> inode = TRY(tmpfs.make_inode(parameters));
  inode->add_links(-1);
  // Below the root and removed: /proc/PID/fd shows "/memfd:name (deleted)".
  Dentry& root = mount->root();
  Ref<Dentry> dentry = TRY(DentryCache::create_detached(label, std::move(inode), &root));
  return Path(std::move(mount), std::move(dentry));
}

Result<Ref<File>> create(StringView name, bool sealable) {
  Path place = TRY(make_place(TRY(format_string("memfd:{}", name))));
  if (sealable) place.inode().seals.store_relaxed(0);
  return vfs::open_regular(std::move(place), kOpenReadWrite | kOpenLargeFile);
}

Result<> add_seals(File& file, uint32_t added) {
  constexpr uint32_t kAll = kSealSeal | kSealShrink | kSealGrow | kSealWrite | kSealFutureWrite;
  if (!file.writable()) return Errno::Perm;
  if ((added & ~kAll) != 0 || !has_seals(file)) return Errno::Inval;
  Inode& inode = file.inode();
  Guard guard(inode.lock);
  uint32_t present = inode.seals.load_relaxed();
  if ((present & kSealSeal) != 0) return Errno::Perm;
  bool stops_writes = (added & kSealWrite) != 0 && (present & kSealWrite) == 0;
  if (stops_writes && inode.contents()->has_writable_mappings()) return Errno::Busy;
  inode.seals.store_relaxed(present | added);
  return {};
}

Result<uint32_t> seals(File& file) {
  if (!has_seals(file)) return Errno::Inval;
  return file.inode().seals.load_relaxed();
}

}  // namespace kernel::memfd
