// SPDX-License-Identifier: MIT
// See mount_tree.h. A mount that is in the tree holds its parent and the dentry it covers; the tree
// holds the mount.
//
//   rootfs "/" ── covers(/proc) ── proc "/"
//          └───── covers(/mnt) ─── tmpfs "/" ── covers(/mnt/a) ── …

#include "fs/vfs/mount_tree.h"

#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/device_mount.h"
#include "fs/vfs/notify.h"

namespace kernel {
namespace {

constexpr size_t kBuckets = 64;
constinit Atomic<Mount*> buckets[kBuckets];
constinit Atomic<uint32_t> last_id;
constinit Mount* root_mount = nullptr;

constexpr uint32_t kDetach = 2, kExpire = 4;  // umount2(2)

Atomic<Mount*>& bucket_of(const Mount* mount, const Dentry* dentry) {
  uint64_t key =
      (reinterpret_cast<uint64_t>(mount) >> 6) * 31 + (reinterpret_cast<uint64_t>(dentry) >> 6);
  return buckets[key % kBuckets];
}

}  // namespace

constinit MountTree::Lock MountTree::lock_;

Mount::Mount(Ref<SuperBlock> super_block, Ref<Dentry> root, String source, uint32_t flags)
    : super_block_(std::move(super_block)), root_(std::move(root).leak()), flags_(flags),
      id_(last_id.fetch_add_relaxed(1) + 1), source_(std::move(source)) {
  super_block_->mounts.fetch_add_relaxed(1);
}

Mount::~Mount() = default;

void Mount::note_use() const {
  uint8_t left = expiring_.load_relaxed();
  while (left != 0 && !expiring_.compare_exchange_relaxed(left, static_cast<uint8_t>(left - 1))) {
  }
}

void Mount::last_unref(Mount* mount) {
  MountTree::last_mount_gone(*mount);
  retire_object(mount);
}

Mount* Mount::child_at(const Dentry& dentry) const {
  Mount* mount = bucket_of(this, &dentry).load_acquire();
  for (; mount != nullptr; mount = mount->hash_next_.load_acquire()) {
    if (mount->parent_.read() == this && mount->mount_point_.read() == &dentry) return mount;
  }
  return nullptr;
}

// The names of a file system that nothing shows any more leave the cache: their inodes point to it.
void MountTree::last_mount_gone(Mount& mount) {
  SuperBlock& super_block = mount.super_block();
  mount.root_->unref();
  if (super_block.mounts.fetch_sub_acq_rel(1) != 1) return;
  Dentry* root = nullptr;
  {
    Guard guard(lock_);
    if (super_block.mounts.load_relaxed() != 0) return;  // mounted again
    root = std::exchange(super_block.root_dentry, nullptr);
  }
  notify::unmounted(super_block);
  DentryCache::evict_all(super_block);
  if (root != nullptr) root->unref();
  if (super_block.block_device() != nullptr) {
    vfs::device_unmounted(super_block);
  } else {
    super_block.unmount();
  }
}

Optional<Ref<Mount>> MountTree::get_child(const Mount& mount, const Dentry& dentry) {
  for (;;) {
    RcuReadGuard guard;
    uint32_t sequence = DentryCache::sequence.begin_read();
    Mount* child = mount.child_at(dentry);
    if (child != nullptr && child->try_ref()) return Ref<Mount>::adopt(*child);
    if (!DentryCache::sequence.must_retry(sequence)) return {};
  }
}

std::optional<Path> MountTree::place_below(const Mount& mount) {
  for (;;) {
    RcuReadGuard guard;
    uint32_t sequence = DentryCache::sequence.begin_read();
    Mount* parent = mount.parent();
    Dentry* dentry = mount.mount_point();
    if (parent == nullptr || dentry == nullptr) {
      if (!DentryCache::sequence.must_retry(sequence)) return {};
      continue;
    }
    if (!parent->try_ref()) continue;
    Ref<Mount> parent_ref = Ref<Mount>::adopt(*parent);
    if (!dentry->try_ref()) continue;
    return Path(std::move(parent_ref), Ref<Dentry>::adopt(*dentry));
  }
}

Ref<Dentry> MountTree::parent_of(const Dentry& dentry) {
  for (;;) {
    RcuReadGuard guard;
    Dentry& parent = dentry.parent();
    if (parent.try_ref()) return Ref<Dentry>::adopt(parent);
  }
}

Result<Ref<Mount>> MountTree::make(Ref<SuperBlock> super_block, StringView source, uint32_t flags) {
  String source_text = TRY(String::create(source));
  Ref<Dentry> fresh = TRY(DentryCache::create_root(super_block->root()));
  Guard guard(lock_);
  SuperBlock& instance = *super_block;
  Ref<Dentry> root = instance.root_dentry != nullptr ? Ref<Dentry>(*instance.root_dentry) : fresh;
  auto* made =
      new (std::nothrow) Mount(std::move(super_block), root, std::move(source_text), flags);
  if (made == nullptr) return Errno::NoMem;
  if (instance.root_dentry == nullptr) instance.root_dentry = std::move(root).leak();
  return Ref<Mount>::adopt(*made);
}

Result<Ref<Mount>> MountTree::clone_detached(const Path& place, uint32_t flags) {
  Guard guard(lock_);
  if (place.mount().unbindable_) return Errno::Inval;
  Ref<Mount> copy = TRY(copy_locked(place.mount(), place.dentry()));
  copy->flags_.store_relaxed(flags);
  return copy;
}

void MountTree::set_root(Ref<Mount> mount) {
  Guard guard(lock_);
  CHECK(root_mount == nullptr);
  mount->attached_ = true;
  root_mount = std::move(mount).leak();
}

Path MountTree::root() {
  Guard guard(lock_);
  return Path(Ref<Mount>(*root_mount), Ref<Dentry>(root_mount->root()));
}

void MountTree::link_locked(Mount& mount, Mount& parent, Dentry& place) {
  mount.ref();
  parent.ref();
  place.ref();
  mount.attached_ = true;
  parent.children_.push_back(mount);
  Guard serial(DentryCache::sequence_lock);
  DentryCache::sequence.begin_write();
  mount.parent_.publish(&parent);
  mount.mount_point_.publish(&place);
  place.mounts_here_.fetch_add_relaxed(1);
  Atomic<Mount*>& bucket = bucket_of(&parent, &place);
  mount.hash_next_.store_relaxed(bucket.load_relaxed());
  bucket.store_release(&mount);
  DentryCache::sequence.end_write();
}

// The caller then owns the tree's reference on `mount`; the two others are dropped here.
void MountTree::unlink_locked(Mount& mount) {
  Mount* parent = mount.parent_.read();
  Dentry* place = mount.mount_point_.read();
  parent->children_.remove(mount);
  mount.attached_ = false;
  {
    Guard serial(DentryCache::sequence_lock);
    DentryCache::sequence.begin_write();
    Atomic<Mount*>* link = &bucket_of(parent, place);
    while (link->load_relaxed() != &mount) link = &link->load_relaxed()->hash_next_;
    link->store_release(mount.hash_next_.load_relaxed());
    place->mounts_here_.fetch_sub_relaxed(1);
    mount.parent_.publish(nullptr);
    mount.mount_point_.publish(nullptr);
    DentryCache::sequence.end_write();
  }
  // Neither can be the last: the parent is attached itself, or about to be dropped by the caller,
  // and the dentry lies below its mount's root.
  place->unref();
  parent->unref();
}

// Takes a mount and everything on it out of the tree, the leaves first.
void MountTree::detach_tree_locked(Mount& mount, Gone& gone) {
  for (;;) {
    Mount* leaf = &mount;
    while (Mount* child = leaf->children_.front()) leaf = child;
    unlink_locked(*leaf);
    gone.push_back(*leaf);
    if (leaf == &mount) return;
  }
}

// Without the lock: a mount that ends frees what it held.
void MountTree::drop(Gone& gone) {
  while (Mount* mount = gone.pop_front()) mount->unref();
}

// Directories are covered by directories, other files by other files.
Result<> MountTree::check_place_locked(const Dentry& root, const Path& place) {
  if (!place.mount().attached_) return Errno::Inval;
  if (place.dentry().is_removed()) return Errno::NoEnt;
  if (root.inode()->is_directory() != place.inode().is_directory()) return Errno::NotDir;
  return {};
}

Result<> MountTree::attach(Ref<Mount> mount, const Path& place) {
  Guard guard(lock_);
  TRY(check_place_locked(mount->root(), place));
  // mount(2): the same file system twice in a row on one place.
  if (&place.mount().super_block() == &mount->super_block() &&
      &place.mount().root() == &place.dentry() && &mount->root() == &place.dentry()) {
    return Errno::Busy;
  }
  link_locked(*mount, place.mount(), place.dentry());
  return {};
}

// The next one in preorder within the tree below `top`, with or without what is on `mount`.
Mount* MountTree::next_locked(Mount& mount, const Mount& top, bool skip_children) {
  Mount* child = skip_children ? nullptr : mount.children_.front();
  if (child != nullptr) return child;
  for (Mount* at = &mount; at != &top;) {
    Mount* parent = at->parent_.read();
    if (Mount* sibling = parent->children_.next(*at)) return sibling;
    at = parent;
  }
  return nullptr;
}

Result<Ref<Mount>> MountTree::copy_locked(Mount& original, Dentry& root) {
  String source = TRY(original.source_.clone());
  auto* made = new (std::nothrow)
      Mount(original.super_block_, Ref<Dentry>(root), std::move(source), original.flags());
  if (made == nullptr) return Errno::NoMem;
  return Ref<Mount>::adopt(*made);
}

// A copy of `from`, seen from `root`; recursive: with copies of what is mounted below, but for what
// is unbindable. The copies hang together and are not attached anywhere.
Result<Ref<Mount>> MountTree::copy_tree_locked(Mount& from, Dentry& root, bool recursive) {
  if (from.unbindable_) return Errno::Inval;
  Ref<Mount> top = TRY(copy_locked(from, root));
  if (!recursive) return top;
  Mount* source = &from;        // the last one copied
  Mount* target = top.get();    // and its copy
  bool skip = false;
  for (Mount* next = next_locked(from, from, false); next != nullptr;
       next = next_locked(*next, from, skip)) {
    bool hidden = next->parent_.read() == &from &&
                  !DentryCache::is_ancestor(root, *next->mount_point_.read());
    skip = next->unbindable_ || hidden;
    if (skip) continue;
    while (next->parent_.read() != source)
      source = source->parent_.read(), target = target->parent_.read();
    Result<Ref<Mount>> made = copy_locked(*next, next->root());
    if (!made.ok()) {
      Gone gone;
      while (Mount* child = top->children_.front()) detach_tree_locked(*child, gone);
      drop(gone);
      return made.error();
    }
    link_locked(**made, *target, *next->mount_point_.read());
    source = next;
    target = made->get();
  }
  return top;
}

Result<> MountTree::bind(const Path& source, const Path& place, bool recursive) {
  Guard guard(lock_);
  if (!source.mount().attached_) return Errno::Inval;
  TRY(check_place_locked(source.dentry(), place));
  Ref<Mount> copy = TRY(copy_tree_locked(source.mount(), source.dentry(), recursive));
  link_locked(*copy, place.mount(), place.dentry());
  return {};
}

Result<> MountTree::move(const Path& source, const Path& place) {
  Guard guard(lock_);
  Mount& mount = source.mount();
  if (&source.dentry() != &mount.root() || !mount.attached_ || mount.parent_.read() == nullptr)
    return Errno::Inval;
  TRY(check_place_locked(mount.root(), place));
  for (Mount* at = &place.mount(); at != nullptr; at = at->parent_.read()) {
    if (at == &mount) return Errno::Loop;
  }
  Ref<Mount> parent(*mount.parent_.read());  // outlives the unlinking
  unlink_locked(mount);
  link_locked(mount, place.mount(), place.dentry());
  mount.unref();  // the reference of the old place
  return {};
}

Result<> MountTree::detach(const Path& place, uint32_t flags) {
  Gone gone;
  {
    Guard guard(lock_);
    Mount& mount = place.mount();
    if (&place.dentry() != &mount.root() || !mount.attached_) return Errno::Inval;
    if (mount.parent_.read() == nullptr) return Errno::Inval;  // the root of all
    // The tree's reference and the caller's path.
    bool in_use = mount.ref_count() > 2 || !mount.children_.empty();
    if ((flags & kExpire) != 0) {
      if (in_use) return Errno::Busy;
      if (mount.expiring_.exchange_relaxed(2) == 0) return Errno::Again;
    }
    if (in_use && (flags & kDetach) == 0) return Errno::Busy;
    Ref<Mount> parent(*mount.parent_.read());
    detach_tree_locked(mount, gone);
  }
  drop(gone);
  return {};
}

Result<> MountTree::remount(const Path& place, uint32_t flags, StringView options,
                            bool only_mount) {
  Guard guard(lock_);
  Mount& mount = place.mount();
  if ((flags & kMountAccessTimes) == 0) flags |= mount.flags() & kMountAccessTimes;
  if (&place.dentry() != &mount.root() || !mount.attached_) return Errno::Inval;
  SuperBlock& super_block = mount.super_block();
  bool to_read_only = (flags & kMountReadOnly) != 0;
  if (to_read_only && !mount.has(kMountReadOnly)) {
    uint32_t writers =
        only_mount ? mount.open_writers.load_acquire() : super_block.open_writers.load_acquire();
    if (writers != 0) return Errno::Busy;
  }
  if (!only_mount) {
    TRY(super_block.remount(options, to_read_only));
    super_block.read_only_.store_relaxed(to_read_only);
  }
  mount.flags_.store_relaxed(flags & kMountFlagMask);
  return {};
}

// With one namespace there is nobody to propagate to but bind mounts of a shared mount, which this
// kernel does not have: private, slave and unbindable are what it can keep its word on.
Result<> MountTree::set_propagation(const Path& place, uint32_t kind, bool recursive) {
  constexpr uint32_t kUnbindable = 1u << 17, kPrivate = 1u << 18, kSlave = 1u << 19;
  Guard guard(lock_);
  Mount& top = place.mount();
  if (&place.dentry() != &top.root() || !top.attached_) return Errno::Inval;
  if (kind != kUnbindable && kind != kPrivate && kind != kSlave) return Errno::Inval;
  for (Mount* at = &top; at != nullptr; at = recursive ? next_locked(*at, top, false) : nullptr) {
    at->unbindable_ = kind == kUnbindable;
  }
  return {};
}

// True when `place` is `from` or below it.
bool MountTree::is_reachable_locked(const Path& place, const Path& from) {
  const Mount* mount = &place.mount();
  const Dentry* dentry = &place.dentry();
  while (mount != &from.mount() && mount->parent_.read() != nullptr) {
    dentry = mount->mount_point_.read();
    mount = mount->parent_.read();
  }
  return mount == &from.mount() && DentryCache::is_ancestor(from.dentry(), *dentry);
}

// pivot_root(2): the new root takes the place of the old one, which moves to put_old.
Result<> MountTree::pivot(const Path& root, const Path& new_root, const Path& put_old) {
  Guard guard(lock_);
  Mount& old_mount = root.mount();
  Mount& new_mount = new_root.mount();
  if (!new_mount.attached_ || !put_old.mount().attached_ || !old_mount.attached_)
    return Errno::Inval;
  if (new_root.dentry().is_removed()) return Errno::NoEnt;
  if (&new_mount == &old_mount || &put_old.mount() == &old_mount) return Errno::Busy;
  if (&root.dentry() != &old_mount.root() || &new_root.dentry() != &new_mount.root())
    return Errno::Inval;
  if (old_mount.parent_.read() == nullptr || new_mount.parent_.read() == nullptr)
    return Errno::Inval;
  if (!is_reachable_locked(put_old, new_root) || !is_reachable_locked(new_root, root))
    return Errno::Inval;

  Ref<Mount> below(*old_mount.parent_.read());
  Ref<Dentry> place(*old_mount.mount_point_.read());
  Ref<Mount> new_parent(*new_mount.parent_.read());
  unlink_locked(new_mount);
  unlink_locked(old_mount);
  link_locked(old_mount, put_old.mount(), put_old.dentry());
  link_locked(new_mount, *below, *place);
  old_mount.unref();  // the references of the old places
  new_mount.unref();
  return {};
}

namespace {

void escape(FormatSink& sink, StringView text) {
  for (char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\\') {
      auto code = static_cast<unsigned char>(c);
      char octal[4] = {'\\', static_cast<char>('0' + (code >> 6)),
                       static_cast<char>('0' + (code >> 3 & 7)),
                       static_cast<char>('0' + (code & 7))};
      sink.write({octal, 4});
    } else {
      sink.write({&c, 1});
    }
  }
}

void show_flags(FormatSink& sink, const Mount& mount) {
  sink.write(mount.has(kMountReadOnly) ? "ro" : "rw");
  static constexpr struct {
    uint32_t flag;
    StringView text;
  } kNames[] = {{kMountNoSuid, ",nosuid"},         {kMountNoDev, ",nodev"},
                {kMountNoExec, ",noexec"},         {kMountNoAtime, ",noatime"},
                {kMountNoDirAtime, ",nodiratime"}, {kMountRelatime, ",relatime"},
                {kMountNoSymFollow, ",nosymfollow"}};
  for (const auto& name : kNames) {
    if (mount.has(name.flag)) sink.write(name.text);
  }
}

// The path of a mount's root within its file system.
void show_root(FormatSink& sink, const Dentry& root) {
  if (root.is_root()) return sink.write("/");
  Ref<Dentry> parent = MountTree::parent_of(root);
  if (!parent->is_root()) show_root(sink, *parent);
  sink.write("/");
  escape(sink, root.name());
}

// What the file system, not the mount, was asked to be.
void show_super_flags(FormatSink& sink, const SuperBlock& super_block) {
  static constexpr struct {
    uint32_t flag;
    StringView text;
  } kNames[] = {{kSuperSync, ",sync"}, {kSuperDirSync, ",dirsync"}, {kSuperMandatory, ",mand"},
                {kSuperLazyTime, ",lazytime"}};
  for (const auto& name : kNames) {
    if ((super_block.asked_flags.load_relaxed() & name.flag) != 0) sink.write(name.text);
  }
}

}  // namespace

void MountTree::show(FormatSink& sink, const Path& root, bool mountinfo) {
  Guard guard(lock_);
  for (Mount* mount = root_mount; mount != nullptr;
       mount = next_locked(*mount, *root_mount, false)) {
    Path place{Ref<Mount>(*mount), Ref<Dentry>(*mount->root_)};
    Result<String> name = place.to_string(root, Path::Unreachable::Marked);
    if (!name.ok() || name->view().starts_with("(")) continue;  // not below the reader's root
    SuperBlock& super_block = mount->super_block();
    if (mountinfo) {
      Mount* parent = mount->parent_.read();
      format(sink, "{} {} {}:{} ", mount->id(), parent == nullptr ? mount->id() : parent->id(),
             super_block.device().major, super_block.device().minor);
      show_root(sink, *mount->root_);
      sink.write(" ");
      escape(sink, *name);
      sink.write(" ");
      show_flags(sink, *mount);
      format(sink, " - {} ", super_block.type_name());
      escape(sink, mount->source_.empty() ? StringView("none") : mount->source_.view());
      sink.write(super_block.read_only() ? " ro" : " rw");
      show_super_flags(sink, super_block);
      super_block.show_options(sink);
    } else {
      escape(sink, mount->source_.empty() ? StringView("none") : mount->source_.view());
      sink.write(" ");
      escape(sink, *name);
      format(sink, " {} ", super_block.type_name());
      show_flags(sink, *mount);
      show_super_flags(sink, super_block);
      super_block.show_options(sink);
      sink.write(" 0 0");
    }
    sink.write("\n");
  }
}

}  // namespace kernel
