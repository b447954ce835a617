// SPDX-License-Identifier: MIT
// The tree of mounts of a namespace: mount(2), umount2(2), pivot_root(2), /proc/PID/mounts.
#pragma once

#include "fs/vfs/path.h"
#include "lib/format.h"

namespace kernel {

// MS_* and MNT_* facts of one mount.
inline constexpr uint32_t kMountReadOnly = 1, kMountNoSuid = 2, kMountNoDev = 4, kMountNoExec = 8,
                          kMountNoSymFollow = 256, kMountNoAtime = 1024, kMountNoDirAtime = 2048,
                          kMountRelatime = 1u << 21, kMountStrictAtime = 1u << 24;

struct MountChildTag {};

// What remount and the flags of mount(2) may set on one mount.
inline constexpr uint32_t kMountAccessTimes =
    kMountNoAtime | kMountNoDirAtime | kMountRelatime | kMountStrictAtime;
inline constexpr uint32_t kMountFlagMask = kMountReadOnly | kMountNoSuid | kMountNoDev |
                                           kMountNoExec | kMountNoSymFollow | kMountAccessTimes;

class Mount final : public RefCounted<Mount>,
                    public RcuHead,
                    public ListNode<Mount, MountChildTag> {
 public:
  SuperBlock& super_block() const { return *super_block_; }
  Dentry& root() const { return *root_; }
  uint32_t flags() const { return flags_.load_relaxed(); }
  bool has(uint32_t flag) const { return (flags() & flag) != 0; }
  bool read_only() const { return has(kMountReadOnly) || super_block_->read_only(); }
  uint32_t id() const { return id_; }
  StringView source() const { return source_; }
  // The place it covers; null for the root of the tree and for a detached mount. RCU section.
  Mount* parent() const { return parent_.read(); }
  Dentry* mount_point() const { return mount_point_.read(); }
  // What is mounted on (this, dentry), or null. RCU section.
  Mount* child_at(const Dentry& dentry) const;
  // Open files that may write through it: no remount to read-only meanwhile.
  Atomic<uint32_t> open_writers;
  static void last_unref(Mount* mount);
  ~Mount();
  // As the base's; and whoever lets go of a mount has used it.
  void unref() const {
    if (expiring_.load_relaxed() != 0) [[unlikely]]
      note_use();
    RefCounted<Mount>::unref();
  }

 private:
  friend class MountTree;
  Mount(Ref<SuperBlock> super_block, Ref<Dentry> root, String source, uint32_t flags);
  void note_use() const;
  Ref<SuperBlock> super_block_;
  // Owned reference, given up with the last one to this mount: names must be unused when the last
  // mount of a file system lets them all go. The object itself stays for readers of RCU.
  Dentry* root_;
  RcuPointer<Mount> parent_;         // owned reference while attached
  RcuPointer<Dentry> mount_point_;   // owned reference while attached
  Atomic<Mount*> hash_next_;
  Atomic<uint32_t> flags_;
  uint32_t id_;
  bool attached_ = false;            // MountTree's lock
  bool unbindable_ = false;          // MountTree's lock
  // MNT_EXPIRE was asked once: how many references may go before that is forgotten. At first the
  // asker's own does.
  mutable Atomic<uint8_t> expiring_;
  String source_;
  List<Mount, MountChildTag> children_;  // MountTree's lock
};

namespace vfs {
Result<> mount(StringView source, const Path& target, std::optional<StringView> type,
               uint32_t flags, StringView options);
Result<> unmount(const Path& target, uint32_t flags);
Result<> pivot_root(const Path& new_root, const Path& put_old);
// What is mounted on top of this place, or the path itself.
Path top_mount(Path path);
// What every process has as its root until it changes that.
Path namespace_root();
// An unattached mount for files that have no name (pipes, memfd).
Result<Ref<Mount>> internal_mount(Ref<SuperBlock> super_block);
// /proc/PID/mounts and mountinfo, as seen from `root`.
Result<> show_mounts(FormatSink& sink, const Path& root, bool mountinfo);
}  // namespace vfs

}  // namespace kernel
