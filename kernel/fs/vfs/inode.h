// SPDX-License-Identifier: MIT
// An inode: one file, directory, link, device, pipe or socket of one file system (inode(7)). The
// vfs layer checks permissions and locks; an implementation answers the virtual functions.
#pragma once

#include "lib/ref.h"
#include "lib/string.h"
#include "sched/mutex.h"
#include "sync/rcu.h"
#include "task/credentials.h"
#include "task/pid.h"
#include "vm/memory_object.h"

namespace kernel {

class Dentry;
class File;
class FileLocks;
class Inode;
struct InodeWatches;
class Mount;
class Path;
class Pipe;
class Socket;
class SuperBlock;

// Anonymous: eventfd and the like, which stat shows without a type.
enum class FileType : uint8_t {
  Regular,
  Directory,
  Symlink,
  CharDevice,
  BlockDevice,
  Fifo,
  Socket,
  Anonymous
};

// st_mode bits.
inline constexpr uint16_t kModeSetUid = 04000, kModeSetGid = 02000, kModeSticky = 01000,
                          kModeMask = 07777;
uint32_t type_bits(FileType type);  // S_IFREG…
std::optional<FileType> type_of_mode(uint32_t mode);  // by its S_IFMT; none: it has another

// dev_t as the kernel encodes it towards user space (makedev(3)).
struct DeviceNumber {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint64_t encode() const;          // new_encode_dev: 32 significant bits
  uint32_t kernel_form() const { return major << 20 | minor; }  // what fdinfo shows
  static constexpr DeviceNumber decode(uint64_t device) {
    return {static_cast<uint32_t>((device & 0xfff00) >> 8),
            static_cast<uint32_t>((device & 0xff) | ((device >> 12) & 0xfff00))};
  }
  friend bool operator==(DeviceNumber, DeviceNumber) = default;
};

struct Timestamp {
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
  friend auto operator<=>(Timestamp, Timestamp) = default;
};

// What stat(2) tells.
struct InodeAttributes {
  uint64_t number = 0;
  uint16_t mode = 0;                // permission bits only
  uint32_t links = 1;
  Uid uid = 0;
  Gid gid = 0;
  uint64_t size = 0;
  uint64_t blocks = 0;              // 512-byte units
  uint32_t block_size = kPageSize;  // that suits reads and writes
  DeviceNumber device;              // of a device inode
  std::optional<DeviceNumber> file_system;  // st_dev, when it is not the superblock's
  Timestamp access, modify, change, birth;
};

// What a sealed file does not do any more (fcntl(2)).
inline constexpr uint32_t kSealSeal = 1, kSealShrink = 2, kSealGrow = 4, kSealWrite = 8,
                          kSealFutureWrite = 16;

// What flags of the file system forbid (ioctl_iflags(2)).
inline constexpr uint32_t kRestrictImmutable = 1, kRestrictAppend = 2, kRestrictNoAtime = 4;

// What chmod, chown, utimensat, truncate change; absent fields stay.
struct AttributeChange {
  std::optional<uint16_t> mode;
  std::optional<Uid> uid;
  std::optional<Gid> gid;
  std::optional<uint64_t> size;
  std::optional<Timestamp> access, modify;
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
  bool for_open = false;  // open(2): opened for reading and writing next, whatever the mode says
};

class Inode : public RefCounted<Inode>, public RcuHead {
 public:
  virtual ~Inode();
  FileType type() const { return type_; }
  SuperBlock& super_block() const { return *super_block_; }
  bool is_directory() const { return type_ == FileType::Directory; }
  bool is_symlink() const { return type_ == FileType::Symlink; }
  uint64_t number() const { return number_; }
  // Permission bits and owner, as a walk reads them without a lock.
  uint16_t mode() const { return mode_.load_relaxed(); }
  Uid uid() const { return uid_.load_relaxed(); }
  Gid gid() const { return gid_.load_relaxed(); }
  uint32_t links() const { return links_.load_relaxed(); }
  DeviceNumber device() const { return device_; }
  virtual uint64_t size();
  // All that stat tells. Overridden where sizes and times are made up at each look.
  virtual InodeAttributes attributes();

  // --- Directories. The caller holds the directory's lock and has checked permissions. Names are
  // not
  // "." or "..", and at most 255 bytes.
  virtual Result<Ref<Inode>> lookup(StringView name);            // NoEnt when absent
  virtual Result<Ref<Inode>> create(StringView name, const CreateParameters& parameters);
  virtual Result<Ref<Inode>> create_unnamed(const CreateParameters& parameters);  // O_TMPFILE
  virtual Result<> link(StringView name, Inode& target);
  virtual Result<> unlink(StringView name, Inode& target);
  virtual Result<> remove_directory(StringView name, Inode& target);  // target locked too
  // Both directories locked. `replaced` is what stands at the new name, if anything.
  virtual Result<> rename(StringView old_name, Inode& target, Inode& new_directory,
                          StringView new_name, Inode* replaced, bool exchange);
  // From the cookie `offset` (2 = first entry behind "." and "..", which the vfs layer emits).
  virtual Result<> read_directory(uint64_t offset, DirectorySink& sink);
  // Asked at each walk over the name of this inode when names_expire() is set in its constructor:
  // false drops the cached name and looks it up again (procfs of a dead process). Must not sleep.
  virtual bool revalidate() { return true; }
  bool needs_revalidation() const { return needs_revalidation_; }
  // Whether `name` is `child` still, asked of a directory at each walk over a cached name when
  // asks_for_names() is set in its constructor: names that others than this kernel change. Sleeps;
  // no lock is held, or the directory's. On true the child's attributes are fresh.
  virtual bool has_name(StringView name, Inode& child) { (void)name, (void)child; return true; }
  bool asks_for_names() const { return asks_for_names_; }
  // A directory in the middle of a path needs no asking for a moment, by the name that it was asked
  // for last (its hash in the cache). Names at the end of a path are always asked for.
  bool is_believed(uint32_t name_hash) const;
  void believe(uint32_t name_hash);
  // False for a directory whose absent names must be asked for each time.
  bool caches_absent_names() const { return caches_absent_names_; }
  // False: a name that is not there is an error even to those who would make it (procfs).
  virtual bool may_gain_names() const { return caches_absent_names_; }

  // The process that this directory is of (/proc/PID): a descriptor of it can stand for that.
  virtual Optional<Ref<Pid>> process() { return {}; }

  // Asked when the mode says no: /proc/PID/fd is a process's own whatever its owner says.
  virtual bool admits_anyway() { return false; }

  // --- Symbolic links. The target, when it lies in memory for as long as the inode does; empty:
  // ask read_link(). Magic links (procfs fd, cwd, exe) go to a place, whatever read_link() says.
  virtual StringView immutable_link() const { return {}; }
  virtual Result<String> read_link();
  virtual bool has_magic_link() const { return false; }
  virtual Result<Path> magic_target();

  // --- Contents.
  virtual MemoryObject* contents() { return nullptr; }           // page cache, when it has one
  // Applies a change that the vfs layer has checked; the inode's lock is held. The default changes
  // the fields in memory, and refuses a size.
  virtual Result<> set_attributes(const AttributeChange& change);
  virtual Result<> allocate(uint32_t mode, uint64_t start,
                            uint64_t length);  // fallocate(2); lock held
  // fsync(2): what is dirty goes to the disk. The default knows of contents alone.
  virtual Result<> synchronise(bool data_only);
  // A new open file description on this inode. Default by type: regular, directory, fifo, device.
  virtual Result<Ref<File>> open(const Path& path, uint32_t flags);

  // The attribute security.capability is there: changed with the lock held. A file system that
  // loads inodes with attributes sets it.
  Atomic<bool> has_capabilities;

  // --- Extended attributes (xattr(7)); namespaces are checked by the vfs layer, the lock is held.
  virtual Result<String> get_xattr(StringView name);             // NoData
  virtual Result<> set_xattr(StringView name, StringView value, uint32_t flags);
  virtual Result<> remove_xattr(StringView name);
  virtual Result<String> list_xattrs();                          // NUL-separated

  // A time, a mode or an owner was changed here, in memory: the file system may have to remember
  // that. Any lock may be held but the attribute lock.
  virtual void attributes_changed() {}
  // The last reference has gone: give resources back now, not after the grace period that the
  // object's memory waits for. Thread context.
  virtual void evict() {}

  // ioctl(2) on an open file of it, if that does not answer itself.
  virtual Result<int64_t> ioctl(File& file, uint32_t request, uint64_t argument);

  // --- Used by the vfs layer and by file systems.
  mutable Mutex<LockRank::Inode> lock;
  mutable SpinLock<LockRank::InodeSpin> attribute_lock;
  Atomic<FileLocks*> locks;          // advisory locks, made at first use
  Atomic<InodeWatches*> watches;     // of inotify, made at first use
  Pipe* fifo = nullptr;              // of an open FIFO; attribute_lock
  Socket* bound = nullptr;           // net: the socket that has this name; attribute_lock
  Atomic<int32_t> writers;           // > 0: open for writing; < 0: being executed (ETXTBSY)
  Atomic<bool> removed_directory;    // rmdir'ed: nothing is made in it any more
  Atomic<uint32_t> restrictions;     // kRestrict*, of files that can have them
  Atomic<uint32_t> seals;            // F_SEAL_*, of files that can have them
  bool is_unnamed = false;           // O_TMPFILE: may be linked though it has no name
  bool immutable_contents = false;   // never changes: no times to keep (synthetic files)

  // Sets times to the present.
  void touch(bool access, bool modify, bool change);
  // A read happened; applies relatime, noatime and the mount's flags. Cheap when nothing is due.
  void note_access(const Mount& mount);
  void set_number(uint64_t number) { number_ = number; }  // before anybody else knows it
  bool is_restricted(uint32_t restriction) const {
    return (restrictions.load_relaxed() & restriction) != 0;
  }
  void set_mode(uint16_t mode) { mode_.store_relaxed(mode & kModeMask); }
  void set_owner(Uid uid, Gid gid) { uid_.store_relaxed(uid), gid_.store_relaxed(gid); }
  void add_links(int32_t change) { links_.fetch_add_relaxed(static_cast<uint32_t>(change)); }

  static void last_unref(Inode* inode) {
    inode->evict();
    retire_object(inode);
  }

 private:
  bool note_access_at(Nanoseconds present, bool strict);

 protected:
  Inode(SuperBlock& super_block, FileType type, uint64_t number, uint16_t mode);
  SuperBlock* super_block_;  // every inode's dentry or file holds a mount, and that holds this
  FileType type_;
  bool needs_revalidation_ = false;
  bool asks_for_names_ = false;
  bool caches_absent_names_ = true;
  uint64_t number_;
  DeviceNumber device_;              // of a device inode
  Atomic<uint16_t> mode_;
  Atomic<Uid> uid_;
  Atomic<Gid> gid_;
  Atomic<uint32_t> links_{1};
  Atomic<uint64_t> believed_until_;  // monotonic; of directories whose names are asked for
  Atomic<uint32_t> believed_name_;
  // Monotonic time up to which a read does not change the access time (note_access).
  Atomic<uint64_t> access_noted_until_;
  Timestamp access_ GUARDED_BY(attribute_lock), modify_ GUARDED_BY(attribute_lock),
      change_ GUARDED_BY(attribute_lock), birth_ GUARDED_BY(attribute_lock);
};

Timestamp now();  // the realtime clock

}  // namespace kernel
