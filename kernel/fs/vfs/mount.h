// SPDX-License-Identifier: MIT
// The tree of mounts of a namespace: mount(2), umount2(2), pivot_root(2), /proc/PID/mounts.
#pragma once

#include "fs/vfs/path.h"
#include "lib/format.h"

namespace kernel {

// MS_* and MNT_* facts of one mount.
inline constexpr uint32_t kMountReadOnly = 1, kMountNoSuid = 2, kMountNoDev = 4, kMountNoExec = 8,
                          kMountNoAtime = 1024, kMountNoDirAtime = 2048, kMountRelatime = 1u << 21,
                          kMountStrictAtime = 1u << 24;

struct MountChildTag {};

class Mount final : public RefCounted<Mount>, public RcuHead, public ListNode<Mount, MountChildTag> {
 public:
  SuperBlock& super_block() const { return *super_block_; }
  Dentry& root() const { return *root_; }
  uint32_t flags() const { return flags_.load_relaxed(); }
  uint32_t id() const { return id_; }
  StringView source() const { return source_; }
  static void last_unref(Mount* mount);

 private:
  friend class MountNamespace;
  Mount(Ref<SuperBlock> super_block, Ref<Dentry> root) : super_block_(std::move(super_block)), root_(std::move(root)) {}
  Ref<SuperBlock> super_block_;
  Ref<Dentry> root_;
  RcuPointer<Mount> parent_;        // null: the namespace's root, or detached
  RcuPointer<Dentry> mount_point_;
  Atomic<uint32_t> flags_;
  uint32_t id_ = 0;
  String source_;
  List<Mount, MountChildTag> children_;
};

namespace vfs {
Result<> mount(StringView source, const Path& target, StringView type, uint32_t flags, StringView options);
Result<> unmount(const Path& target, uint32_t flags);
Result<> pivot_root(const Path& new_root, const Path& put_old);
// What is mounted on top of this place, or the path itself.
Path top_mount(Path path);
// /proc/PID/mounts and mountinfo, as seen from `root`.
Result<> show_mounts(FormatSink& sink, const Path& root, bool mountinfo);
}  // namespace vfs

}  // namespace kernel
