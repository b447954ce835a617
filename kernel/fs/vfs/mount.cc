// SPDX-License-Identifier: MIT
// mount(2), umount2(2), pivot_root(2) as the calls have them; the tree itself is mount_tree.cc.

#include "fs/vfs/mount.h"

#include "fs/vfs/device_mount.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/vfs.h"

namespace kernel::vfs {
namespace {

constexpr uint32_t kRemount = 32, kBind = 4096, kMove = 8192, kRecursive = 16384, kSilent = 32768;
constexpr uint32_t kUnbindable = 1u << 17, kPrivate = 1u << 18, kSlave = 1u << 19,
                   kShared = 1u << 20;
constexpr uint32_t kPropagation = kUnbindable | kPrivate | kSlave | kShared;
constexpr uint32_t kForce = 1, kDetach = 2, kExpire = 4, kNoFollow = 8;

// relatime is what a mount has unless it says otherwise.
uint32_t mount_flags(uint32_t flags) {
  uint32_t kept = flags & kMountFlagMask;
  // A remount that says nothing of access times leaves them as they are.
  if ((flags & kRemount) != 0 && (kept & kMountAccessTimes) == 0) return kept;
  if ((kept & (kMountNoAtime | kMountStrictAtime)) == 0) kept |= kMountRelatime;
  if ((kept & kMountStrictAtime) != 0) kept &= ~(kMountRelatime | kMountNoAtime);
  if ((kept & kMountNoAtime) != 0) kept &= ~kMountRelatime;
  return kept;
}

Result<> mount_new(StringView source, const Path& target, std::optional<StringView> type,
                   uint32_t flags, StringView options) {
  if (!type) return Errno::Inval;
  FileSystemType* file_system = find_file_system(*type);
  if (file_system == nullptr) return Errno::NoDev;
  if (file_system->needs_device()) {
    Ref<Mount> mount = TRY(mount_device(*file_system, source, mount_flags(flags), options));
    mount->super_block().asked_flags.fetch_or_relaxed(flags & kSuperFlags);
    return MountTree::attach(std::move(mount), target);
  }
  Ref<SuperBlock> super_block = TRY(file_system->mount(source, options));
  if ((flags & kMountReadOnly) != 0) super_block->read_only_.store_relaxed(true);
  super_block->asked_flags.fetch_or_relaxed(flags & kSuperFlags);
  Ref<Mount> mount = TRY(MountTree::make(std::move(super_block), source, mount_flags(flags)));
  return MountTree::attach(std::move(mount), target);
}

}  // namespace

Result<> mount(StringView source, const Path& target, std::optional<StringView> type,
               uint32_t flags, StringView options) {
  if (!acting_has(Capability::SysAdmin)) return Errno::Perm;
  if ((flags & (kRemount | kBind)) == (kRemount | kBind)) {
    return MountTree::remount(target, mount_flags(flags), options, true);
  }
  if ((flags & kRemount) != 0)
    return MountTree::remount(target, mount_flags(flags), options, false);
  if ((flags & kBind) != 0) {
    Path from = TRY(lookup({}, source, LookupFlags::Follow));
    return MountTree::bind(from, target, (flags & kRecursive) != 0);
  }
  if ((flags & kPropagation) != 0) {
    if ((flags & ~(kPropagation | kRecursive | kSilent)) != 0) return Errno::Inval;
    return MountTree::set_propagation(target, flags & kPropagation, (flags & kRecursive) != 0);
  }
  if ((flags & kMove) != 0) {
    Path from = TRY(lookup({}, source, LookupFlags::Follow));
    return MountTree::move(from, target);
  }
  return mount_new(source, target, type, flags & ~kSilent, options);
}

Result<> unmount(const Path& target, uint32_t flags) {
  if ((flags & ~(kForce | kDetach | kExpire | kNoFollow)) != 0) return Errno::Inval;
  if (!acting_has(Capability::SysAdmin)) return Errno::Perm;
  if ((flags & kExpire) != 0 && (flags & (kForce | kDetach)) != 0) return Errno::Inval;
  return MountTree::detach(target, flags);
}

namespace {

// Tasks that stood at the old root or in it stand at the new one (pivot_root(2)).
void move_tasks(const Path& old_root, const Path& new_root) {
  for (PidNumber next = 1;;) {
    Optional<Ref<Pid>> pid = Pid::find_from(next);
    if (!pid) return;
    next = pid->number() + 1;
    Optional<Ref<FsContext>> context;
    {
      RcuReadGuard rcu;
      Task* task = pid->task();
      if (task == nullptr) continue;
      Guard guard(task->group().signal_lock);
      if (task->fs_context != nullptr) context = Ref<FsContext>(*task->fs_context);
    }
    if (!context) continue;
    if (context->root() == old_root) context->set_root(new_root);
    if (context->working_directory() == old_root) context->set_working_directory(new_root);
  }
}

}  // namespace

Result<> pivot_root(const Path& new_root, const Path& put_old) {
  if (!acting_has(Capability::SysAdmin)) return Errno::Perm;
  if (!new_root.inode().is_directory() || !put_old.inode().is_directory()) return Errno::NotDir;
  Path root = acting_context().root();
  TRY(MountTree::pivot(root, new_root, put_old));
  move_tasks(root, new_root);
  return {};
}

Path top_mount(Path path) {
  for (;;) {
    Optional<Ref<Mount>> above = MountTree::get_child(path.mount(), path.dentry());
    if (!above) return path;
    Ref<Dentry> root(above->root());
    path = Path(above.take(), std::move(root));
  }
}

Path namespace_root() { return top_mount(MountTree::root()); }

Result<Ref<Mount>> internal_mount(Ref<SuperBlock> super_block) {
  // Without noexec: a memfd may be mapped for execution, and run; other internal inodes can
  // neither.
  return MountTree::make(std::move(super_block), "", 0);
}

Result<> show_mounts(FormatSink& sink, const Path& root, bool mountinfo) {
  MountTree::show(sink, root, mountinfo);
  return {};
}

}  // namespace kernel::vfs
