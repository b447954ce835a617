// SPDX-License-Identifier: MIT
// A mounted file system instance, and the list of file system types (mount(2), statfs(2)).
#pragma once

#include "fs/vfs/inode.h"
#include "lib/format.h"

namespace kernel {

class BlockDevice;
class InotifyWatch;
struct SuperBlockWatchTag;

struct FileSystemStatistics {
  uint64_t type = 0;  // statfs magic
  uint64_t block_size = kPageSize;
  uint64_t blocks = 0, free_blocks = 0, available_blocks = 0;
  uint64_t files = 0, free_files = 0;
  uint64_t id = 0;
  uint64_t name_limit = 255;
};

// MS_SYNCHRONOUS and its like, which /proc/mounts and statfs(2) show. Memory is always in step with
// itself: what asks for synchronous writes has them.
inline constexpr uint32_t kSuperSync = 16, kSuperMandatory = 64, kSuperDirSync = 128,
                          kSuperLazyTime = 1u << 25;
inline constexpr uint32_t kSuperFlags =
    kSuperSync | kSuperMandatory | kSuperDirSync | kSuperLazyTime;

class SuperBlock : public RefCounted<SuperBlock> {
 public:
  virtual ~SuperBlock();
  virtual Ref<Inode> root() = 0;
  virtual FileSystemStatistics statistics() = 0;
  virtual Result<> synchronise() { return {}; }
  // Checks and applies; the caller then notes whether it is read-only.
  virtual Result<> remount(StringView options, bool read_only) {
    (void)options, (void)read_only;
    return {};
  }
  virtual void show_options(FormatSink& sink) { (void)sink; }  // ",size=…" for /proc/mounts
  // The last mount has gone, and no file is open: what is to be on the disk goes there now. Once,
  // in thread context; a file system on a device is not mounted again.
  virtual void unmount() {}

  StringView type_name() const { return type_name_; }
  DeviceNumber device() const { return device_; }              // st_dev: anonymous ones are 0:N
  bool read_only() const { return read_only_.load_relaxed(); }
  // Null: it needs none.
  BlockDevice* block_device() const { return block_device_.get(); }

  bool permits_user_xattrs() const { return user_xattrs_; }
  // flock(2) takes a lock on all bytes, which stands in the way of those of fcntl(2): as on Linux
  // where the other end knows no other kind.
  bool flock_locks_bytes() const { return flock_locks_bytes_; }
  // renameat2(2) may leave a whiteout: a character device 0:0.
  bool takes_whiteouts() const { return takes_whiteouts_; }
  // How many file systems stand below it, one on the other.
  virtual unsigned stacking_depth() const { return 0; }
  uint64_t next_inode_number() { return next_inode_.fetch_add_relaxed(1) + 1; }

  Mutex<LockRank::Rename> rename_lock;  // held around renames between directories
  Atomic<bool> read_only_;
  Atomic<uint32_t> asked_flags;  // kSuperFlags of its mounts
  static void last_unref(SuperBlock* super_block);

  // --- Used by the mounts.
  Atomic<uint32_t> mounts;        // how many show it; at 0 its cached names go
  Atomic<uint32_t> open_writers;
  // What inotify watches on it, until the last mount goes.
  SpinLock<LockRank::Leaf> watch_lock;
  List<InotifyWatch, SuperBlockWatchTag> watches GUARDED_BY(watch_lock);
  Dentry* root_dentry = nullptr;  // owned reference while it is mounted; the mount tree's lock

 protected:
  explicit SuperBlock(StringView type_name);
  static DeviceNumber next_anonymous_device();
  // On a device, which vfs::DeviceMounts has claimed for it.
  SuperBlock(StringView type_name, BlockDevice& device);
  StringView type_name_;
  DeviceNumber device_;
  Optional<Ref<BlockDevice>> block_device_;
  bool user_xattrs_ = true;
  bool flock_locks_bytes_ = false;
  bool takes_whiteouts_ = false;
  Atomic<uint64_t> next_inode_;
};

// How a file system on a device is to be mounted.
struct DeviceMount {
  StringView options;
  bool read_only = false;
};

// A type that mount(2) can name; registered once, at boot.
struct FileSystemType {
  StringView name;
  Result<Ref<SuperBlock>> (*mount)(StringView source, StringView options);
  bool single_instance = false;  // every mount shows the same (devtmpfs, proc, sysfs)
  FileSystemType* next = nullptr;
  // Of what needs a device; then it is called, and mount is not. Errors: Inval when the device
  // holds something else.
  Result<Ref<SuperBlock>> (*mount_device)(BlockDevice& device, const DeviceMount& how) = nullptr;
  bool needs_device() const { return mount_device != nullptr; }
};
void register_file_system(FileSystemType& type);
FileSystemType* find_file_system(StringView name);
FileSystemType* first_file_system();

}  // namespace kernel
