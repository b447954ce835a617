// SPDX-License-Identifier: MIT
// An inode: one file, directory, link, device, pipe or socket of one file system (inode(7)). The vfs
// layer checks permissions and locks; an implementation answers the virtual functions.
#pragma once

#include "lib/ref.h"
#include "lib/string.h"
#include "sched/mutex.h"
#include "sync/rcu.h"
#include "task/credentials.h"
#include "vm/memory_object.h"

namespace kernel {

class Dentry;
class File;
class Inode;
class SuperBlock;
struct FileLocks;

enum class FileType : uint8_t { Regular, Directory, Symlink, CharDevice, BlockDevice, Fifo, Socket };

// st_mode bits.
inline constexpr uint16_t kModeSetUid = 04000, kModeSetGid = 02000, kModeSticky = 01000, kModeMask = 07777;
uint32_t type_bits(FileType type);  // S_IFREG…

// dev_t as the kernel encodes it towards user space (makedev(3)).
struct DeviceNumber {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint64_t encode() const;          // new_encode_dev: 32 significant bits
  static DeviceNumber decode(uint64_t device);
  friend bool operator==(DeviceNumber, DeviceNumber) = default;
};

struct Timestamp {
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
};

// What stat(2) tells. Copied under the inode's spin lock.
struct InodeAttributes {
  uint64_t number = 0;
  uint16_t mode = 0;                // permission bits only
  uint32_t links = 1;
  Uid uid = 0;
  Gid gid = 0;
  uint64_t size = 0;
  uint64_t blocks = 0;              // 512-byte units
  DeviceNumber device;              // of a device inode
  Timestamp access, modify, change, birth;
};

// What chmod, chown, utimensat, truncate change; absent fields stay.
struct AttributeChange {
  std::optional<uint16_t> mode;
  std::optional<Uid> uid;
  std::optional<Gid> gid;
  std::optional<uint64_t> size;
  std::optional<Timestamp> access, modify;
  bool change_time = true;
};

// Directory listing: returns false when the caller's buffer is full. `offset` is the cookie of the
// entry BEHIND this one.
class DirectorySink {
 public:
  virtual bool entry(StringView name, uint64_t inode, FileType type, uint64_t offset) = 0;

 protected:
  ~DirectorySink() = default;
};

// Creation parameters: the mode is umask'ed and setgid-inherited already by the vfs layer.
struct CreateParameters {
  FileType type = FileType::Regular;
  uint16_t mode = 0;
  Uid uid = 0;
  Gid gid = 0;
  DeviceNumber device;
  StringView symlink_target;
};

class Inode : public RefCounted<Inode>, public RcuHead {
 public:
  virtual ~Inode();
  FileType type() const { return type_; }
  SuperBlock& super_block() const { return *super_block_; }
  bool is_directory() const { return type_ == FileType::Directory; }
  InodeAttributes attributes() const;
  uint64_t number() const { return attributes_.number; }

  // --- Directories. The caller holds the directory's lock (exclusively for changes) and has checked
  // permissions. Names are not "." or "..", at most 255 bytes.
  virtual Result<Ref<Inode>> lookup(StringView name);            // NoEnt when absent
  virtual Result<Ref<Inode>> create(StringView name, const CreateParameters& parameters);
  virtual Result<> link(StringView name, Inode& target);
  virtual Result<> unlink(StringView name, Inode& target);
  virtual Result<> remove_directory(StringView name, Inode& target);
  // Both directories locked. `replaced` is what stands at the new name, if anything.
  virtual Result<> rename(StringView old_name, Inode& target, Inode& new_directory, StringView new_name,
                          Inode* replaced, bool exchange);
  // From the cookie `offset` (2 = first entry behind "." and "..", which the vfs layer emits).
  virtual Result<> read_directory(uint64_t offset, DirectorySink& sink);
  // False: the vfs layer may not keep a negative or positive dentry (procfs of a dead process).
  virtual bool revalidate() const { return true; }

  // --- Symbolic links. Magic links (procfs fd, cwd, exe) override follow.
  virtual Result<String> read_link();
  virtual bool has_magic_link() const { return false; }

  // --- Contents. The inode lock is held for changes of size and writes.
  virtual MemoryObject* contents() { return nullptr; }           // page cache, when it has one
  virtual Result<> set_attributes(const AttributeChange& change);  // default: memory only
  virtual Result<> allocate(uint32_t mode, uint64_t start, uint64_t length);  // fallocate(2)
  virtual Result<> synchronise(bool data_only) { (void)data_only; return {}; }
  // A new open file description on this inode. Default by type: regular, directory, fifo, device.
  virtual Result<Ref<File>> open(uint32_t flags, Ref<Dentry> dentry);

  // --- Extended attributes (xattr(7)); namespaces are checked by the vfs layer.
  virtual Result<size_t> get_xattr(StringView name, std::span<char> value);  // size; Range; NoData
  virtual Result<> set_xattr(StringView name, StringView value, uint32_t flags);
  virtual Result<> remove_xattr(StringView name);
  virtual Result<String> list_xattrs();                          // NUL-separated

  // --- Used by the vfs layer.
  mutable Mutex<LockRank::Inode> lock;
  mutable SpinLock<LockRank::InodeSpin> attribute_lock;
  InodeAttributes attributes_ GUARDED_BY(attribute_lock);
  FileLocks* locks = nullptr;        // advisory locks, made at first use
  Atomic<int32_t> writers;           // > 0: open for writing; < 0: being executed (ETXTBSY)
  void touch(bool access, bool modify, bool change);  // to the present time

  static void last_unref(Inode* inode) { retire_object(inode); }

 protected:
  Inode(SuperBlock& super_block, FileType type) : super_block_(&super_block), type_(type) {}
  SuperBlock* super_block_;
  FileType type_;
};

}  // namespace kernel
