// SPDX-License-Identifier: MIT
// See path_walk.h. In RCU mode nothing here may sleep, allocate or take a mutex.

#include "fs/vfs/path_walk.h"

#include "fs/vfs/identity.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/permission.h"

namespace kernel {

namespace vfs {
namespace {

bool only_slashes(StringView text) {
  for (char c : text) {
    if (c != '/') return false;
  }
  return true;
}

// RESOLVE_CACHED: what no file system has to be asked for.
Result<Ref<Dentry>> find_cached(Dentry& parent, StringView name) {
  Optional<Ref<Dentry>> child = DentryCache::get(parent, name);
  if (!child) return Errno::Again;
  Inode* inode = child->inode();
  if (inode != nullptr && inode->needs_revalidation() && !inode->revalidate()) return Errno::Again;
  if (parent.inode()->asks_for_names()) return Errno::Again;
  return child.take();
}

}  // namespace

Result<Path> PathWalk::to_end() {
  to_parent_ = false;
  return run();
}

Result<Path> PathWalk::to_parent() {
  to_parent_ = true;
  return run();
}

Result<Path> PathWalk::run() {
  if (path_.empty()) return Errno::NoEnt;
  // The restrictions of openat2 are rare and easier to keep with references.
  constexpr uint32_t kRestricted = 16 | 32 | 64 | 128 | 256 | 512;
  if ((static_cast<uint32_t>(flags_) & kRestricted) == 0) {
    Result<Path> result = attempt(Mode::Rcu);
    if (!result.failed_with(kWalkAgain)) return result;
  }
  return attempt(Mode::References);
}

Result<Path> PathWalk::attempt(Mode mode) {
  drop();
  mode_ = mode;
  links_ = 0;
  depth_ = 0;
  trailing_slash_ = false;
  last_kind_ = LastKind::Root;
  rest_ = path_;
  Result<> walked = begin();
  if (walked.ok()) walked = walk();
  if (!walked.ok()) {
    // An error that a rename may have caused is none.
    bool stale = mode_ == Mode::Rcu && active_ && DentryCache::sequence.must_retry(sequence_);
    drop();
    return stale ? kWalkAgain : walked.error();
  }
  return finish();
}

// Where it starts: the root for an absolute path, else the directory or the working directory.
Result<> PathWalk::begin() {
  FsContext& context = acting_context();
  preempt_disable();  // an RCU section; with references it ends as soon as they are taken
  sequence_ = DentryCache::sequence.begin_read();
  bool absolute = path_.front() == '/';
  auto start_at = [this](FsContext::Borrowed place) {
    mount_ = place.mount, dentry_ = place.dentry;
  };
  FsContext::Borrowed root{};
  if (!is_scoped()) root = context.borrow_root();
  if (absolute && !is_scoped()) {
    start_at(root);
  } else if (start_.directory != nullptr) {
    start_at({&start_.directory->mount(), &start_.directory->dentry()});
  } else {
    start_at(context.borrow_working_directory());
  }
  if (is_scoped()) root = {mount_, dentry_};
  root_mount_ = root.mount, root_dentry_ = root.dentry;
  active_ = true;
  if (mode_ == Mode::References) {
    mode_ = Mode::Rcu;
    // Fails for a root or directory that another thread has just let go of.
    if (!keep_references(Found::Nothing).ok()) return Errno::NoEnt;
  }
  if (absolute && has(LookupFlags::Beneath)) return Errno::XDev;
  if (dentry_->inode()->is_directory()) return {};
  return Errno::NotDir;
}

// From the RCU section to references on the four pointers. Error: kWalkAgain, the section has
// ended.
Result<> PathWalk::keep_references(Found found) {
  DCHECK(mode_ == Mode::Rcu && active_);
  bool mount = mount_->try_ref();
  bool dentry = mount && dentry_->try_ref();
  bool root_mount = dentry && root_mount_->try_ref();
  bool root_dentry = root_mount && root_dentry_->try_ref();
  bool fresh = root_dentry &&
               (found == Found::Nothing || !DentryCache::sequence.must_retry(sequence_));
  active_ = false;
  preempt_enable();
  mode_ = Mode::References;
  if (fresh) {
    active_ = true;
    return {};
  }
  if (mount) mount_->unref();
  if (dentry) dentry_->unref();
  if (root_mount) root_mount_->unref();
  if (root_dentry) root_dentry_->unref();
  return kWalkAgain;
}

void PathWalk::let_go() {
  active_ = false;
  if (mode_ == Mode::Rcu) {
    preempt_enable();
    return;
  }
  mount_->unref();
  dentry_->unref();
  root_mount_->unref();
  root_dentry_->unref();
}

Result<Path> PathWalk::finish() {
  if (mode_ == Mode::Rcu) {
    bool mount = mount_->try_ref();
    bool dentry = mount && dentry_->try_ref();
    bool good = dentry && !DentryCache::sequence.must_retry(sequence_);
    active_ = false;
    preempt_enable();
    if (good) return Path(Ref<Mount>::adopt(*mount_), Ref<Dentry>::adopt(*dentry_));
    if (dentry) dentry_->unref();
    if (mount) mount_->unref();
    return kWalkAgain;
  }
  // A directory moved out of the scope while ".." was walked: openat2(2) wants EAGAIN.
  if (is_scoped() && DentryCache::sequence.must_retry(sequence_)) return Errno::Again;
  return Path(Ref<Mount>(*mount_), Ref<Dentry>(*dentry_));
}

// Moves to another place; with references, counts it first.
void PathWalk::place(Mount* mount, Dentry* dentry) {
  if (mode_ == Mode::Rcu) {
    mount_ = mount;
    dentry_ = dentry;
    return;
  }
  mount->ref();
  dentry->ref();
  std::swap(mount_, mount);
  std::swap(dentry_, dentry);
  mount->unref();
  dentry->unref();
}

Result<> PathWalk::check_search() {
  Inode& directory = *dentry_->inode();
  if ((directory.mode() & 0111) == 0111) return {};
  return check_permission(directory, kMayExecute, acting_credentials());
}

// The next name of what is left, with its hash: one pass over its characters.
PathWalk::Component PathWalk::take_component() {
  NameHash hash(*dentry_);
  const char *start = rest_.begin(), *end = rest_.end(), *at = start;
  for (; at != end && *at != '/'; ++at) hash.add(*at);
  rest_ = {at, static_cast<size_t>(end - at)};
  return {.name = {start, static_cast<size_t>(at - start)}, .hash = hash.value()};
}

Result<> PathWalk::walk() {
  bool must_be_directory = has(LookupFlags::Directory);
  for (;;) {
    while (!rest_.empty() && rest_.front() == '/') rest_ = rest_.substr(1);
    if (rest_.empty()) {
      if (depth_ == 0) break;
      rest_ = saved_[--depth_];
      continue;
    }
    TRY(check_search());
    Component component = take_component();
    StringView name = component.name;
    if (name.size() > kNameMax) return Errno::NameTooLong;
    bool last = depth_ == 0 && only_slashes(rest_);
    if (last && !rest_.empty()) trailing_slash_ = true;
    if (last && to_parent_) {
      last_name_ = name;
      last_kind_ = name == "." ? LastKind::Dot : name == ".." ? LastKind::DotDot : LastKind::Name;
      return {};
    }
    TRY(step(component, last));
  }
  if (to_parent_) return {};
  if ((must_be_directory || trailing_slash_) && !dentry_->inode()->is_directory())
    return Errno::NotDir;
  return {};
}

// Once per component: without a frame of its own.
[[gnu::always_inline]] inline Result<> PathWalk::enter(Dentry& child, bool last) {
  Inode& inode = *child.inode();
  if (inode.is_symlink() && (!last || has(LookupFlags::Follow) || trailing_slash_)) {
    if (last) TRY(check_follow(*dentry_->inode(), inode));
    return follow(inode);
  }
  place(mount_, &child);
  if (child.is_mount_point()) [[unlikely]]
    TRY(cross_mounts());
  if (last || dentry_->inode()->is_directory()) return {};
  return has(LookupFlags::Cached) ? Errno::Again : Errno::NotDir;
}

Result<> PathWalk::step(const Component& component, bool last) {
  StringView name = component.name;
  if (name.front() == '.') {
    if (name.size() == 1) return {};
    if (name.size() == 2 && name[1] == '.') return go_up();
  }
  if (mode_ == Mode::Rcu) {
    Dentry* child = DentryCache::find(*dentry_, name, component.hash);
    if (child != nullptr) {
      Inode* inode = child->inode();
      if (inode == nullptr) return Errno::NoEnt;
      bool ask = dentry_->inode()->asks_for_names() && !child->is_mount_point() &&
                 (last || !inode->is_believed(component.hash));
      if (!ask && (!inode->needs_revalidation() || inode->revalidate()))
        return enter(*child, last);
    }
  }
  return step_with_references(name, last);
}

// Not inline in step(): a walk through the cache needs no frame of this size.
[[gnu::noinline]] Result<> PathWalk::step_with_references(StringView name, bool last) {
  if (mode_ == Mode::Rcu) {
    if (depth_ != 0) return kWalkAgain;  // texts of links that no reference keeps
    TRY(keep_references(Found::Places));
  }
  Ref<Dentry> child = TRY(has(LookupFlags::Cached) ? find_cached(*dentry_, name)
                                                   : DentryCache::lookup(*dentry_, name));
  if (child->inode() == nullptr) return Errno::NoEnt;
  return enter(*child, last);
}

// Down to what is mounted on top of here.
Result<> PathWalk::cross_mounts() {
  while (dentry_->is_mount_point()) {
    if (mode_ == Mode::Rcu) {
      Mount* above = mount_->child_at(*dentry_);
      if (above == nullptr) return {};
      place(above, &above->root());
      continue;
    }
    Optional<Ref<Mount>> above = MountTree::get_child(*mount_, *dentry_);
    if (!above) return {};
    if (has(LookupFlags::NoXdev)) return Errno::XDev;
    place(above.get(), &above->root());
  }
  return {};
}

Result<> PathWalk::go_up() {
  for (;;) {
    if (mount_ == root_mount_ && dentry_ == root_dentry_) {
      if (has(LookupFlags::Beneath)) return Errno::XDev;
      return cross_mounts();
    }
    if (dentry_ != &mount_->root()) break;
    if (mode_ == Mode::Rcu) {
      Mount* below = mount_->parent();
      if (below == nullptr) return cross_mounts();
      Dentry* mount_point = mount_->mount_point();
      if (mount_point == nullptr) return kWalkAgain;
      place(below, mount_point);
      continue;
    }
    std::optional<Path> below = MountTree::place_below(*mount_);
    if (!below) return cross_mounts();
    if (has(LookupFlags::NoXdev)) return Errno::XDev;
    place(&below->mount(), &below->dentry());
  }
  if (mode_ == Mode::Rcu) {
    place(mount_, &dentry_->parent());
  } else {
    Ref<Dentry> parent = MountTree::parent_of(*dentry_);
    place(mount_, parent.get());
  }
  return cross_mounts();
}

Result<> PathWalk::follow(Inode& link) {
  if (has(LookupFlags::NoSymlinks) || mount_->has(kMountNoSymFollow) || links_ >= kMaxLinks)
    return Errno::Loop;
  ++links_;
  if (mode_ == Mode::Rcu) {
    StringView target = link.immutable_link();
    bool more = depth_ != 0 || !rest_.empty();
    if (target.empty() || (more && depth_ == kMaxDepth)) return kWalkAgain;
    if (only_slashes(rest_)) {
      // Nothing to come back to, but a last link's slash wants a directory: trailing_slash_ knows.
    } else {
      saved_[depth_++] = rest_;
    }
    rest_ = target;
    link.note_access(*mount_);
    return target.front() == '/' ? to_root() : Result<>();
  }
  if (link.has_magic_link()) return follow_magic(link);
  link.note_access(*mount_);
  String target = TRY(link.read_link());
  return follow_text(target);
}

Result<> PathWalk::follow_text(StringView target) {
  if (target.empty()) return Errno::NoEnt;
  String joined = TRY(String::create(target));
  TRY(joined.append(rest_));
  text_ = std::move(joined);
  rest_ = text_;
  return rest_.front() == '/' ? to_root() : Result<>();
}

Result<> PathWalk::follow_magic(Inode& link) {
  if (has(LookupFlags::NoMagicLinks)) return Errno::Loop;
  if (has(LookupFlags::Cached)) return Errno::Again;
  if (is_scoped()) return Errno::XDev;
  Path target = TRY(link.magic_target());
  if (has(LookupFlags::NoXdev) && &target.mount() != mount_) return Errno::XDev;
  place(&target.mount(), &target.dentry());
  return only_slashes(rest_) || dentry_->inode()->is_directory() ? Result<>()
                                                                 : Result<>(Errno::NotDir);
}

Result<> PathWalk::to_root() {
  if (has(LookupFlags::Beneath)) return Errno::XDev;
  if (has(LookupFlags::NoXdev) && mount_ != root_mount_) return Errno::XDev;
  place(root_mount_, root_dentry_);
  return {};
}

Result<Path> PathWalk::through_link(Ref<Dentry> link) {
  if (mode_ == Mode::Rcu || !active_) {
    // The parent was found without references: find it again with them.
    unsigned links = links_;
    Result<Path> parent = attempt(Mode::References);
    if (!parent.ok()) return parent;
    if (links_ < links) links_ = links;
  }
  trailing_slash_ = false;
  Inode& inode = *link->inode();
  Result<> followed = check_follow(*dentry_->inode(), inode);
  if (followed.ok()) followed = follow(inode);
  if (followed.ok()) {
    last_kind_ = LastKind::Root;
    followed = walk();
  }
  if (!followed.ok()) return followed.error();
  return finish();
}

}  // namespace vfs

Result<Path> vfs::lookup(Start start, StringView path, LookupFlags flags) {
  if (path.empty() &&
      (static_cast<uint32_t>(flags) & static_cast<uint32_t>(LookupFlags::EmptyPath)) != 0) {
    return start.directory != nullptr ? *start.directory : acting_context().working_directory();
  }
  return PathWalk(start, path, flags).to_end();
}

}  // namespace kernel
