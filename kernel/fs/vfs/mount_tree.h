// SPDX-License-Identifier: MIT
// The mounts of the (single) namespace as a tree, for walks and for the calls that change it.
// Changes hold the tree's lock and bump the name sequence; lookups run inside an RCU section.
#pragma once

#include "fs/vfs/mount.h"

namespace kernel {

class MountTree {
 public:
  // With references.
  static Optional<Ref<Mount>> get_child(const Mount& mount, const Dentry& dentry);
  // Where a mount stands; nothing for a root or a detached one.
  static std::optional<Path> place_below(const Mount& mount);
  static Ref<Dentry> parent_of(const Dentry& dentry);

  static Result<Ref<Mount>> make(Ref<SuperBlock> super_block, StringView source, uint32_t flags);
  // What `place` shows, without what is mounted below it; attached to nothing.
  static Result<Ref<Mount>> clone_detached(const Path& place, uint32_t flags);
  // The first mount of all.
  static void set_root(Ref<Mount> mount);
  static Path root();

  static Result<> attach(Ref<Mount> mount, const Path& place);
  static Result<> bind(const Path& source, const Path& place, bool recursive);
  static Result<> move(const Path& source, const Path& place);
  static Result<> detach(const Path& place, uint32_t flags);
  static Result<> remount(const Path& place, uint32_t flags, StringView options, bool only_mount);
  static Result<> set_propagation(const Path& place, uint32_t kind, bool recursive);
  static Result<> pivot(const Path& root, const Path& new_root, const Path& put_old);
  static void show(FormatSink& sink, const Path& root, bool mountinfo);
  static void last_mount_gone(Mount& mount);

 private:
  using Lock = Mutex<LockRank::MountNamespace>;
  using Gone = List<Mount, MountChildTag>;
  static Lock lock_;
  static void link_locked(Mount& mount, Mount& parent, Dentry& place) REQUIRES(lock_);
  static void unlink_locked(Mount& mount) REQUIRES(lock_);
  static void detach_tree_locked(Mount& mount, Gone& gone) REQUIRES(lock_);
  static Result<> check_place_locked(const Dentry& root, const Path& place) REQUIRES(lock_);
  static Result<Ref<Mount>> copy_tree_locked(Mount& from, Dentry& root, bool recursive)
      REQUIRES(lock_);
  static Result<Ref<Mount>> copy_locked(Mount& original, Dentry& root) REQUIRES(lock_);
  static Mount* next_locked(Mount& mount, const Mount& top, bool skip_children) REQUIRES(lock_);
  static bool is_reachable_locked(const Path& place, const Path& from) REQUIRES(lock_);
  static void drop(Gone& gone);
};

}  // namespace kernel
