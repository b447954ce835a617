// SPDX-License-Identifier: MIT
// See super_block.h: mounting, and what statfs and /proc/mounts tell.

#include "fs/overlay/super_block.h"

#include "fs/overlay/inode.h"
#include "fs/overlay/overlay.h"
#include "fs/overlay/whiteout.h"
#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/vfs.h"
#include "lib/log.h"

namespace kernel {
namespace {

constexpr uint64_t kMagic = 0x794c7630;
constexpr unsigned kMaxDepth = 2;
constexpr StringView kWorkName = "work";

Result<Path> find_directory(StringView path) {
  Result<Path> found = vfs::lookup({}, path, vfs::LookupFlags::Follow);
  if (!found.ok()) {
    log_error("overlayfs: failed to resolve '{}': -{}", path,
              static_cast<int32_t>(found.error()));
    return found;
  }
  if (found->inode().is_directory()) return found;
  log_error("overlayfs: '{}' not a directory", path);
  return Errno::Inval;
}

}  // namespace

OverlaySuperBlock::OverlaySuperBlock(overlay::Options options)
    : SuperBlock("overlay"), options_(std::move(options)),
      mounter_(task::credentials_of(current_task())) {}

OverlaySuperBlock::~OverlaySuperBlock() = default;

Result<Ref<OverlaySuperBlock>> OverlaySuperBlock::create(overlay::Options options) {
  auto* made = new (std::nothrow) OverlaySuperBlock(std::move(options));
  if (made == nullptr) return Errno::NoMem;
  Ref<OverlaySuperBlock> overlay = Ref<OverlaySuperBlock>::adopt(*made);
  Result<> opened = overlay->open_layers();
  if (opened.ok()) return overlay;
  overlay->unmount();
  return opened.error();
}

// The same place, seen through a mount of the overlay's own: what is mounted on it or made of its
// mount later does not matter.
Result<Path> OverlaySuperBlock::add_layer(const Path& place, uint32_t flags) {
  SuperBlock& layer = place.mount().super_block();
  if (layer.stacking_depth() + 1 > depth_) depth_ = layer.stacking_depth() + 1;
  if (depth_ > kMaxDepth) {
    log_error("overlayfs: maximum fs stacking depth exceeded");
    return Errno::Inval;
  }
  bool known = false;
  for (const LayerDevice& device : devices_) known |= device.layer == &layer;
  if (!known) TRY(devices_.append({&layer, next_anonymous_device()}));
  return Path(TRY(MountTree::clone_detached(place, flags)), place.dentry_ref());
}

Result<Path> OverlaySuperBlock::open_upper() {
  Path place = TRY(find_directory(options_.upper));
  if (place.mount().read_only()) {
    log_error("overlayfs: upper fs is r/o, try multi-lower layers mount");
    return Errno::Inval;
  }
  return place;
}

// DIR/work is made anew: what a crash has left in the old one goes.
Result<Path> OverlaySuperBlock::open_work(const Path& upper) {
  Path base = TRY(find_directory(options_.work));
  if (&base.mount() != &upper.mount()) {
    log_error("overlayfs: workdir and upperdir must reside under the same mount");
    return Errno::Inval;
  }
  if (DentryCache::is_ancestor(base.dentry(), upper.dentry()) ||
      DentryCache::is_ancestor(upper.dentry(), base.dentry())) {
    log_error("overlayfs: workdir and upperdir must be separate subtrees");
    return Errno::Inval;
  }
  vfs::Start start{.directory = &base};
  if (Result<Path> old = vfs::lookup(start, kWorkName, vfs::LookupFlags::None); old.ok()) {
    if (old->inode().is_directory()) {
      TRY(overlay::clear_directory(*old));
      TRY(vfs::remove_directory(start, kWorkName));
    } else {
      TRY(vfs::unlink(start, kWorkName));
    }
  }
  TRY(vfs::make_directory(start, kWorkName, 0));
  return vfs::lookup(start, kWorkName, vfs::LookupFlags::None);
}

Result<> OverlaySuperBlock::open_layers() {
  constexpr uint32_t kUnused = kMountReadOnly | kMountNoAtime;
  OverlayInode::Sources sources;
  if (options_.upper.empty()) {
    read_only_.store_relaxed(true);
  } else {
    Path upper = TRY(open_upper());
    Path work = TRY(open_work(upper));
    uint32_t flags = (upper.mount().flags() & ~kMountNoSuid & ~kMountAccessTimes) | kMountRelatime;
    sources.upper = TRY(add_layer(upper, flags));
    work_ = Path(sources.upper->mount_ref(), work.dentry_ref());
  }
  for (const String& name : options_.lowers) {
    Path place = TRY(find_directory(name));
    bool overlaps = sources.upper && (&place.dentry() == &sources.upper->dentry() ||
                                      &place.dentry() == &work_->dentry());
    for (const Path& above : sources.lowers) overlaps |= &above.dentry() == &place.dentry();
    if (overlaps) {
      log_error("overlayfs: overlapping lowerdir path");
      return Errno::Loop;
    }
    TRY(sources.lowers.append(TRY(add_layer(place, kUnused))));
  }
  root_ = TRY(OverlayInode::get(*this, std::move(sources), nullptr, "/"));
  return {};
}

Ref<Inode> OverlaySuperBlock::root() { return Ref<Inode>(root_.value()); }

// The layers' mounts go with the inodes; without them they may be unmounted themselves.
void OverlaySuperBlock::unmount() {
  root_.reset();
  work_.reset();
}

FileSystemStatistics OverlaySuperBlock::statistics() {
  FileSystemStatistics result = root_->real().mount().super_block().statistics();
  result.type = kMagic;
  result.name_limit = 255;
  return result;
}

Result<> OverlaySuperBlock::synchronise() {
  return work_ ? work_->mount().super_block().synchronise() : Result<>();
}

Result<> OverlaySuperBlock::remount(StringView, bool read_only) {
  return read_only || has_upper() ? synchronise() : Result<>(Errno::RoFs);
}

void OverlaySuperBlock::show_options(FormatSink& sink) {
  format(sink, ",lowerdir={}", options_.lower_text);
  if (!options_.upper.empty())
    format(sink, ",upperdir={},workdir={}", options_.upper, options_.work);
}

Result<String> OverlaySuperBlock::temporary_name() {
  return format_string("#{:x}", temporary_names_.fetch_add_relaxed(1));
}

DeviceNumber OverlaySuperBlock::device_of(const SuperBlock& layer) const {
  for (const LayerDevice& device : devices_) {
    if (device.layer == &layer) return device.device;
  }
  return device();
}

bool OverlaySuperBlock::ByUpper::less(const OverlayInode& a, const OverlayInode& b) {
  return a.upper_key() < b.upper_key();
}

Optional<Ref<OverlayInode>> OverlaySuperBlock::find(const Inode& upper) {
  Guard guard(lock_);
  OverlayInode* at = by_upper_.root();
  while (at != nullptr && at->upper_key() != &upper) {
    using Inodes = Tree<OverlayInode, ByUpper>;
    at = &upper < at->upper_key() ? Inodes::left(*at) : Inodes::right(*at);
  }
  if (at == nullptr) return {};
  if (at->try_ref()) return Ref<OverlayInode>::adopt(*at);
  by_upper_.remove(*at);  // it ends just now
  return {};
}

void OverlaySuperBlock::remember(OverlayInode& inode) {
  Guard guard(lock_);
  by_upper_.insert(inode);
}

void OverlaySuperBlock::forget(OverlayInode& inode) {
  Guard guard(lock_);
  if (inode.is_in_tree()) by_upper_.remove(inode);
}

namespace {

Result<Ref<SuperBlock>> mount_overlay(StringView, StringView options) {
  overlay::Options parsed = TRY(overlay::parse_options(options));
  return Ref<SuperBlock>(TRY(OverlaySuperBlock::create(std::move(parsed))));
}

constinit FileSystemType overlay_type{.name = "overlay", .mount = mount_overlay};

}  // namespace

void overlay::init() { register_file_system(overlay_type); }

}  // namespace kernel
