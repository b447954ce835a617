// SPDX-License-Identifier: MIT
// Making and removing names: mkdir(2), mknod(2), symlink(2), link(2), unlink(2), rmdir(2).

#include "fs/vfs/identity.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/path_walk.h"
#include "fs/vfs/permission.h"

namespace kernel::vfs {
namespace {

using LastKind = PathWalk::LastKind;
constexpr unsigned kChild = 1;  // lock subclass of what a locked directory holds

// Makes the last component of `path`: make(parent, name) checks the rights and gives its inode. A
// slash behind the name is for directories only.
template <class Make>
Result<Path> make_entry(Start start, StringView path, bool is_directory, Make make) {
  PathWalk walk(start, path, LookupFlags::None);
  Path parent = TRY(walk.to_parent());
  if (walk.last_kind() != LastKind::Name) return Errno::Exist;
  Ref<Dentry> kept = parent.dentry_ref();
  Guard guard(parent.inode().lock);
  Ref<Dentry> dentry = TRY(DentryCache::lookup_locked(parent.dentry(), walk.last_name()));
  if (dentry->inode() != nullptr) return Errno::Exist;
  if (walk.has_trailing_slash() && !is_directory) return Errno::NoEnt;
  // procfs: a name that nobody could make is simply not there.
  if (!parent.inode().may_gain_names()) return Errno::NoEnt;
  TRY(check_writable_mount(parent));
  Ref<Inode> inode = TRY(make(parent, walk.last_name()));
  DentryCache::instantiate(*dentry, inode);
  notify::created(parent.inode(), walk.last_name(), *inode);
  return Path(parent.mount_ref(), std::move(dentry));
}

auto creator(FileType type, uint16_t mode, DeviceNumber device = {}, StringView target = {}) {
  return [=](const Path& parent, StringView name) -> Result<Ref<Inode>> {
    TRY(check_create_in(parent));
    CreateParameters parameters = new_inode_parameters(parent.inode(), type, mode);
    parameters.device = device;
    parameters.symlink_target = target;
    return parent.inode().create(name, parameters);
  };
}

uint16_t masked(unsigned mode) {
  return static_cast<uint16_t>(mode & ~unsigned{acting_context().umask()});
}

}  // namespace

Result<> make_directory(Start start, StringView path, uint16_t mode) {
  TRY(make_entry(start, path, true,
                 creator(FileType::Directory, masked(mode & (0777 | kModeSticky)))));
  return {};
}

Result<Path> make_node(Start start, StringView path, FileType type, uint16_t mode,
                       DeviceNumber device) {
  if (type == FileType::Directory) return Errno::Perm;
  // Anybody may make a whiteout: it is no device.
  bool is_whiteout = type == FileType::CharDevice && device == DeviceNumber{};
  bool is_device =
      type == FileType::BlockDevice || (type == FileType::CharDevice && !is_whiteout);
  auto make = creator(type, masked(mode & kModeMask), device);
  return make_entry(start, path, false,
                    [&](const Path& parent, StringView name) -> Result<Ref<Inode>> {
                      TRY(check_create_in(parent));
                      if (is_device && !acting_has(Capability::Mknod)) return Errno::Perm;
                      return make(parent, name);
                    });
}

Result<> symbolic_link(StringView target, Start start, StringView path) {
  if (target.empty()) return Errno::NoEnt;
  TRY(make_entry(start, path, false, creator(FileType::Symlink, 0777, {}, target)));
  return {};
}

Result<> hard_link(Start old_start, StringView old_path, Start new_start, StringView new_path,
                   LookupFlags flags) {
  Path old = TRY(lookup(old_start, old_path, flags));
  TRY(make_entry(new_start, new_path, false,
                 [&](const Path& parent, StringView name) -> Result<Ref<Inode>> {
    Inode& target = old.inode();
    if (&parent.mount() != &old.mount()) return Errno::XDev;
    TRY(check_link_source(target));
    TRY(check_create_in(parent));
    if (target.is_directory()) return Errno::Perm;
    if (target.links() == 0 && !target.is_unnamed) return Errno::NoEnt;
    TRY(parent.inode().link(name, target));
    target.is_unnamed = false;
    notify::inode(target, notify::kAttributes);
    return Ref<Inode>(target);
  }));
  return {};
}

Result<> unlink(Start start, StringView path) {
  PathWalk walk(start, path, LookupFlags::None);
  Path parent = TRY(walk.to_parent());
  if (walk.last_kind() != LastKind::Name) return Errno::IsDir;
  Optional<Ref<Dentry>> dentry;  // let go of behind the lock: the file may end with it
  Guard guard(parent.inode().lock);
  dentry = TRY(DentryCache::lookup_locked(parent.dentry(), walk.last_name()));
  Inode* target = dentry->inode();
  if (target == nullptr) return Errno::NoEnt;
  if (walk.has_trailing_slash()) return target->is_directory() ? Errno::IsDir : Errno::NotDir;
  TRY(check_remove_from(parent, *target));
  if (target->is_directory()) return Errno::IsDir;
  if (dentry->is_mount_point()) return Errno::Busy;
  TRY(parent.inode().unlink(walk.last_name(), *target));
  notify::inode(*target, notify::kAttributes);
  DentryCache::remove(*dentry);
  notify::removed(parent.inode(), *dentry);
  return {};
}

Result<> remove_directory(Start start, StringView path) {
  PathWalk walk(start, path, LookupFlags::None);
  Path parent = TRY(walk.to_parent());
  switch (walk.last_kind()) {
    case LastKind::Name: break;
    case LastKind::Dot: return Errno::Inval;
    case LastKind::DotDot: return Errno::NotEmpty;
    case LastKind::Root: return Errno::Busy;
  }
  Optional<Ref<Dentry>> dentry;
  Guard guard(parent.inode().lock);
  dentry = TRY(DentryCache::lookup_locked(parent.dentry(), walk.last_name()));
  Inode* target = dentry->inode();
  if (target == nullptr) return Errno::NoEnt;
  TRY(check_remove_from(parent, *target));
  if (!target->is_directory()) return Errno::NotDir;
  if (dentry->is_mount_point()) return Errno::Busy;
  Guard inner(target->lock, kChild);
  TRY(parent.inode().remove_directory(walk.last_name(), *target));
  target->removed_directory.store_relaxed(true);
  DentryCache::remove(*dentry);
  notify::removed(parent.inode(), *dentry);
  return {};
}

}  // namespace kernel::vfs
