// SPDX-License-Identifier: MIT
// rename(2), renameat2(2). A rename between directories holds the file system's rename lock, so
// that no directory's ancestors change while it looks at them; directories are locked ancestor
// first.

#include "fs/vfs/identity.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/path_walk.h"
#include "fs/vfs/permission.h"

namespace kernel::vfs {
namespace {

using LastKind = PathWalk::LastKind;

struct Side {
  PathWalk& walk;
  Path parent;
  Optional<Ref<Dentry>> dentry{};
  Inode& directory() const { return parent.inode(); }
  StringView name() const { return walk.last_name(); }
};

// A name made ahead, given back unless it was used.
class NewName : public Pinned {
 public:
  ~NewName() {
    if (name_ != nullptr) DentryCache::discard_name(name_);
  }
  Result<> make(const Dentry& parent, StringView text) {
    name_ = TRY(DentryCache::make_name(parent, text));
    return {};
  }
  DentryName* use() { return std::exchange(name_, nullptr); }

 private:
  DentryName* name_ = nullptr;
};

Result<> check_kinds(const Side& from, const Side& to, bool exchange) {
  Inode& source = *from.dentry->inode();
  Inode* target = to.dentry->inode();
  if (!source.is_directory()) {
    if (from.walk.has_trailing_slash()) return Errno::NotDir;
    if (!exchange && to.walk.has_trailing_slash()) return Errno::NotDir;
  }
  if (exchange && !target->is_directory() && to.walk.has_trailing_slash()) return Errno::NotDir;
  return {};
}

Result<> check_ancestry(const Side& from, const Side& to, bool exchange) {
  if (&from.directory() == &to.directory()) return {};
  if (DentryCache::is_ancestor(*from.dentry, to.parent.dentry())) return Errno::Inval;
  if (DentryCache::is_ancestor(*to.dentry, from.parent.dentry()))
    return exchange ? Errno::Inval : Errno::NotEmpty;
  return {};
}

Result<> check_rights(const Side& from, const Side& to, bool exchange) {
  Inode& source = *from.dentry->inode();
  Inode* target = to.dentry->inode();
  TRY(check_remove_from(from.parent, source));
  if (target == nullptr) {
    TRY(check_create_in(to.parent));
  } else {
    TRY(check_remove_from(to.parent, *target));
    if (!exchange && source.is_directory() && !target->is_directory()) return Errno::NotDir;
    if (!exchange && !source.is_directory() && target->is_directory()) return Errno::IsDir;
  }
  // A directory that moves gets another "..": that is a write to it.
  if (&from.directory() != &to.directory()) {
    if (source.is_directory()) TRY(check_permission(source, kMayWrite, acting_credentials()));
    if (exchange && target->is_directory())
      TRY(check_permission(*target, kMayWrite, acting_credentials()));
  }
  if (from.dentry->is_mount_point() || to.dentry->is_mount_point()) return Errno::Busy;
  return {};
}

// A device 0:0 that waits in `directory`, which is locked, under a name of its own to take the
// place of what moves away: so a rename that leaves one fails whole or not at all.
class Whiteout : public Pinned {
 public:
  explicit Whiteout(Inode& directory) : directory_(directory) {}
  ~Whiteout() {
    if (inode_) ignore(directory_.unlink(name_, *inode_));
  }
  Result<> make() {
    CreateParameters parameters = new_inode_parameters(directory_, FileType::CharDevice, 0);
    // One that a crash has left may stand there.
    do {
      name_ = TRY(format_string(".whiteout-{}", serial_.fetch_add_relaxed(1)));
    } while (directory_.lookup(name_).ok());
    inode_ = TRY(directory_.create(name_, parameters));
    return {};
  }
  Result<> take_place(StringView name) {
    TRY(directory_.rename(name_, *inode_, directory_, name, nullptr, false));
    inode_ = {};
    return {};
  }

 private:
  static Atomic<uint64_t> serial_;
  Inode& directory_;
  String name_;
  Optional<Ref<Inode>> inode_;
};
constinit Atomic<uint64_t> Whiteout::serial_;

Result<> replace(Side& from, Side& to, bool leave_whiteout) {
  Inode& source = *from.dentry->inode();
  Inode* target = to.dentry->inode();
  NewName name;
  TRY(name.make(to.parent.dentry(), to.name()));
  Whiteout whiteout(from.directory());
  if (leave_whiteout) TRY(whiteout.make());
  TRY(from.directory().rename(from.name(), source, to.directory(), to.name(), target, false));
  if (target != nullptr) {
    if (target->is_directory()) target->removed_directory.store_relaxed(true);
    DentryCache::remove(*to.dentry);
  } else {
    DentryCache::forget(*to.dentry);
  }
  DentryCache::move(*from.dentry, to.parent.dentry(), name.use());
  notify::moved({from.directory(), from.name(), to.directory(), to.name(), source, target});
  return leave_whiteout ? whiteout.take_place(from.name()) : Result<>();
}

Result<> exchange_names(Side& from, Side& to) {
  NewName name_for_from, name_for_to;
  TRY(name_for_from.make(to.parent.dentry(), to.name()));
  TRY(name_for_to.make(from.parent.dentry(), from.name()));
  Inode& source = *from.dentry->inode();
  Inode& target = *to.dentry->inode();
  TRY(from.directory().rename(from.name(), source, to.directory(), to.name(), &target, true));
  DentryCache::exchange(*from.dentry, name_for_from.use(), *to.dentry, name_for_to.use());
  notify::moved({from.directory(), from.name(), to.directory(), to.name(), source, nullptr});
  notify::moved({to.directory(), to.name(), from.directory(), from.name(), target, nullptr});
  return {};
}

// Both directories are locked.
Result<> rename_locked(Side& from, Side& to, uint32_t flags) {
  bool exchange = (flags & kRenameExchange) != 0;
  from.dentry = TRY(DentryCache::lookup_locked(from.parent.dentry(), from.name()));
  if (from.dentry->inode() == nullptr) return Errno::NoEnt;
  to.dentry = TRY(DentryCache::lookup_locked(to.parent.dentry(), to.name()));
  Inode* target = to.dentry->inode();
  if (target != nullptr && (flags & kRenameNoReplace) != 0) return Errno::Exist;
  if (target == nullptr && (exchange || !to.directory().may_gain_names())) return Errno::NoEnt;
  TRY(check_kinds(from, to, exchange));
  TRY(check_ancestry(from, to, exchange));
  if (from.dentry->inode() == target) return {};  // two names of one file: rename(2) does nothing
  TRY(check_rights(from, to, exchange));
  if (exchange) return exchange_names(from, to);
  bool leave_whiteout = (flags & kRenameWhiteout) != 0;
  if (target != nullptr && target->is_directory()) {
    Guard victim(target->lock, 2);
    return replace(from, to, leave_whiteout);
  }
  return replace(from, to, leave_whiteout);
}

Result<> rename_between(Side& from, Side& to, uint32_t flags) {
  Guard order(from.directory().super_block().rename_lock);
  bool from_first = !DentryCache::is_ancestor(to.parent.dentry(), from.parent.dentry());
  Guard outer(from_first ? from.directory().lock : to.directory().lock, 0);
  Guard inner(from_first ? to.directory().lock : from.directory().lock, 1);
  return rename_locked(from, to, flags);
}

}  // namespace

Result<> rename(Start old_start, StringView old_path, Start new_start, StringView new_path,
                uint32_t flags) {
  if ((flags & ~(kRenameNoReplace | kRenameExchange | kRenameWhiteout)) != 0) return Errno::Inval;
  if ((flags & kRenameExchange) != 0 && flags != kRenameExchange) return Errno::Inval;
  PathWalk old_walk(old_start, old_path, LookupFlags::None);
  Path old_parent = TRY(old_walk.to_parent());
  PathWalk new_walk(new_start, new_path, LookupFlags::None);
  Path new_parent = TRY(new_walk.to_parent());
  if (&old_parent.mount() != &new_parent.mount()) return Errno::XDev;
  if (old_walk.last_kind() != LastKind::Name) return Errno::Busy;
  if (new_walk.last_kind() != LastKind::Name) {
    return (flags & kRenameNoReplace) != 0 ? Errno::Exist : Errno::Busy;
  }
  TRY(check_writable_mount(old_parent));
  if ((flags & kRenameWhiteout) != 0 && !old_parent.inode().super_block().takes_whiteouts())
    return Errno::Inval;
  Side from{old_walk, std::move(old_parent)};
  Side to{new_walk, std::move(new_parent)};
  if (&from.directory() != &to.directory()) return rename_between(from, to, flags);
  Guard guard(from.directory().lock);
  return rename_locked(from, to, flags);
}

}  // namespace kernel::vfs
