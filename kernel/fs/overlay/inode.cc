// SPDX-License-Identifier: MIT
// See inode.h: how inodes are made, and their attributes.

#include "fs/overlay/inode.h"

#include "fs/overlay/file.h"
#include "fs/overlay/whiteout.h"
#include "fs/vfs/open.h"
#include "fs/vfs/vfs.h"

namespace kernel {
namespace {

const Path& topmost(const OverlayInode::Sources& sources) {
  return sources.upper ? *sources.upper : sources.lowers[0];
}

bool is_own(StringView xattr) { return xattr.starts_with(overlay::kXattrPrefix); }

}  // namespace

// The number is the lowest file's, so that it stays when this one is copied up.
OverlayInode::OverlayInode(OverlaySuperBlock& overlay, Sources sources, OverlayInode* parent,
                           String name)
    : Inode(overlay, topmost(sources).inode().type(),
            (sources.lowers.empty() ? topmost(sources) : sources.lowers[0]).inode().number(),
            topmost(sources).inode().mode()),
      lowers_(std::move(sources.lowers)), parent_(parent), name_(std::move(name)) {
  if (is_directory() && !overlay.is_on_one_file_system()) set_number(overlay.next_inode_number());
  take_attributes();
}

OverlayInode::~OverlayInode() = default;

Result<Ref<OverlayInode>> OverlayInode::get(OverlaySuperBlock& overlay, Sources sources,
                                            OverlayInode* parent, StringView name) {
  std::optional<Path> upper = sources.upper;
  if (upper && !upper->inode().is_directory()) {
    if (Optional<Ref<OverlayInode>> known = overlay.find(upper->inode())) return known.take();
  }
  String own_name = TRY(String::create(name));
  // The object needs a topmost file from its first moment on.
  if (sources.empty()) return Errno::NoEnt;
  auto* made =
      new (std::nothrow) OverlayInode(overlay, std::move(sources), parent, std::move(own_name));
  if (made == nullptr) return Errno::NoMem;
  Ref<OverlayInode> inode = Ref<OverlayInode>::adopt(*made);
  if (upper) TRY(inode->publish_upper(*upper));
  return inode;
}

void OverlayInode::take_attributes() {
  if (upper() == nullptr && lowers_.empty()) return;  // publish_upper() comes
  Inode& from = real().inode();
  set_mode(from.mode());
  set_owner(from.uid(), from.gid());
  links_.store_relaxed(from.links());
  device_ = from.device();
  has_capabilities.store_relaxed(from.has_capabilities.load_relaxed());
}

Result<> OverlayInode::publish_upper(const Path& place) {
  auto* own = new (std::nothrow) Path(place);
  if (own == nullptr) return Errno::NoMem;
  upper_key_ = &place.inode();
  upper_.store_release(own);
  if (!is_directory()) overlay().remember(*this);
  take_attributes();
  return {};
}

// Now, not when the inode's memory goes: the layers' files may end with it.
void OverlayInode::evict() {
  overlay().forget(*this);
  lockdep::NextLevel level;
  listing_.clear();
  delete upper_.exchange_acq_rel(nullptr);
  lowers_.clear();
}

InodeAttributes OverlayInode::attributes() {
  Inode& from = real().inode();
  InodeAttributes result = from.attributes();
  result.number = number();
  bool own_device = is_directory() || overlay().is_on_one_file_system();
  Inode& numbered = lowers_.empty() || is_directory() ? from : lowers_[0].inode();
  if (!own_device) result.file_system = overlay().device_of(numbered.super_block());
  bool is_merged = lowers_.size() > (upper() != nullptr ? 0 : 1);
  if (is_directory() && is_merged) result.links = 1;  // nobody counts them
  return result;
}

Result<> OverlayInode::set_attributes(const AttributeChange& change) {
  TRY(copy_up(change.size == uint64_t{0} ? Data::WithoutData : Data::Copied));
  {
    OverlayScope scope(overlay());
    Inode& inode = upper()->inode();
    Guard guard(inode.lock);
    TRY(inode.set_attributes(change));
    if (change.size) inode.touch(false, true, true);
  }
  take_attributes();
  return {};
}

Result<> OverlayInode::allocate(uint32_t mode, uint64_t start, uint64_t length) {
  TRY(copy_up());
  OverlayScope scope(overlay());
  Inode& inode = upper()->inode();
  Guard guard(inode.lock);
  return inode.allocate(mode, start, length);
}

Result<> OverlayInode::synchronise(bool data_only) {
  if (upper() == nullptr) return {};
  OverlayScope scope(overlay());
  return upper()->inode().synchronise(data_only);
}

Result<String> OverlayInode::get_xattr(StringView name) {
  if (is_own(name)) return Errno::OpNotSupp;
  OverlayScope scope(overlay());
  Inode& inode = real().inode();
  Guard guard(inode.lock);
  return inode.get_xattr(name);
}

Result<> OverlayInode::set_xattr(StringView name, StringView value, uint32_t flags) {
  if (is_own(name)) return Errno::OpNotSupp;
  TRY(copy_up());
  OverlayScope scope(overlay());
  return vfs::set_xattr(*upper(), name, value, flags);
}

Result<> OverlayInode::remove_xattr(StringView name) {
  if (is_own(name)) return Errno::OpNotSupp;
  if (upper() == nullptr) TRY(get_xattr(name));  // nothing is copied for a name that is not there
  TRY(copy_up());
  OverlayScope scope(overlay());
  return vfs::remove_xattr(*upper(), name);
}

Result<String> OverlayInode::list_xattrs() {
  String all, visible;
  {
    OverlayScope scope(overlay());
    Inode& inode = real().inode();
    Guard guard(inode.lock);
    all = TRY(inode.list_xattrs());
  }
  for (StringView rest = all; !rest.empty();) {
    StringView name = rest.take_until('\0');
    if (is_own(name)) continue;
    TRY(visible.append(name));
    TRY(visible.append('\0'));
  }
  return visible;
}

Result<Ref<File>> OverlayInode::open(const Path& path, uint32_t flags) {
  if (type() != FileType::Regular) return vfs::open_by_type(path, flags);
  bool cuts = (flags & kOpenTruncate) != 0;
  if (cuts || (flags & kOpenAccessMode) != kOpenReadOnly)
    TRY(copy_up(cuts ? Data::WithoutData : Data::Copied));
  Ref<File> real_file = TRY(OverlayFile::open_real(*this, flags));
  Ref<OverlayFile> file = TRY(make_ref<OverlayFile>(path, flags, std::move(real_file)));
  return Ref<File>(std::move(file));
}

}  // namespace kernel
