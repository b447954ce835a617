// SPDX-License-Identifier: MIT
// What a 9p inode keeps, and asks for: attributes, the way to the file, its pages. Names are
// directory.cc's.

#include "fs/9p/inode.h"

#include "fs/vfs/identity.h"
#include "fs/vfs/open.h"

namespace kernel::p9 {
P9Inode::P9Inode(P9SuperBlock& super_block, const Attributes& attributes, Ref<Fid> fid)
    : Inode(super_block, attributes.type, attributes.qid.path, attributes.inode.mode),
      fid_(std::move(fid).leak()) {
  device_ = attributes.inode.device;
  asks_for_names_ = !super_block.is_loose();
  needs_revalidation_ = super_block.is_loose() && !is_directory();
  caches_absent_names_ = super_block.is_loose();
  update(attributes);
}

P9Inode::~P9Inode() = default;

// Now, and not after the grace period: the server keeps something for every fid.
void P9Inode::evict() {
  tree().forget(*this);
  if (P9Contents* contents = contents_.load_relaxed()) {
    contents->close();
    contents->unref();
  }
  Fid *fid, *created;
  {
    Guard guard(attribute_lock);
    fid = std::exchange(fid_, nullptr);
    created = std::exchange(created_, nullptr);
  }
  fid->unref();
  if (created != nullptr) created->unref();
}

Ref<Fid> P9Inode::fid() const {
  Guard guard(attribute_lock);
  return Ref<Fid>(*fid_);
}

// Not the number alone: the server may give it to another file when this one has gone.
bool P9Inode::is_described_by(const Attributes& attributes) const {
  return path() == attributes.qid.path && type() == attributes.type &&
         device_ == attributes.inode.device && !removed_directory.load_relaxed();
}

void P9Inode::update(const Attributes& attributes, Ref<Fid> fid) {
  Fid* old = std::move(fid).leak();
  {
    Guard guard(attribute_lock);
    std::swap(fid_, old);
  }
  lost_name_.store_relaxed(false);
  old->unref();
  update(attributes);
}

void P9Inode::update(const Attributes& attributes) {
  const InodeAttributes& from = attributes.inode;
  {
    Guard guard(attribute_lock);
    if (attributes.asked_at < known_at_) return;  // an older answer that came late
    known_at_ = attributes.asked_at;
    set_mode(from.mode);
    set_owner(from.uid, from.gid);
    links_.store_relaxed(from.links);
    access_ = from.access;
    modify_ = from.modify;
    change_ = from.change;
    birth_ = from.birth;
    access_noted_until_.store_relaxed(0);
    size_.store_relaxed(from.size);
    blocks_.store_relaxed(from.blocks);
    block_size_.store_relaxed(from.block_size);
  }
  apply_size(from.size);
}

void P9Inode::set_size(uint64_t size) {
  {
    Guard guard(attribute_lock);
    known_at_ = tree().session().next_time();
    size_.store_relaxed(size);
  }
  apply_size(size);
}

// Pages behind the end go.
void P9Inode::apply_size(uint64_t size) {
  P9Contents* contents = existing_contents();
  if (contents == nullptr) return;
  contents->resize(size);
}

Result<> P9Inode::refresh() {
  update(TRY(fid()->attributes()));
  return {};
}

// A file that has no name any more cannot be asked for by it: what was known last remains true, but
// for what happens through files that are open.
InodeAttributes P9Inode::attributes() {
  if (!tree().is_loose()) ignore(refresh());
  InodeAttributes result = Inode::attributes();
  result.size = size();
  result.blocks = blocks_.load_relaxed();
  result.block_size = block_size_.load_relaxed();
  return result;
}

Result<> P9Inode::set_attributes(const AttributeChange& change) {
  TRY(fid()->set_attributes(change));
  AttributeChange rest = change;
  if (change.size) {
    set_size(*change.size);
    rest.size.reset();
  }
  TRY(Inode::set_attributes(rest));
  Guard guard(attribute_lock);
  known_at_ = tree().session().next_time();
  return {};
}

Result<String> P9Inode::read_link() { return fid()->read_link(); }

Result<P9Contents*> P9Inode::make_contents() {
  P9Contents* present = existing_contents();
  if (present != nullptr) return present;
  Ref<P9Contents> made = TRY(make_ref<P9Contents>(tree().group(), *this));
  made->set_size(size());
  if (!contents_.compare_exchange_acq_rel(present, made.get())) {
    made->close();
    return present;
  }
  return std::move(made).leak();
}

Result<Ref<Fid>> P9Inode::open_fid(uint32_t flags) {
  Ref<Fid> opened = TRY(fid()->clone());
  uint32_t wanted = flags & kOpenAccessMode;
  if ((flags & kOpenAppend) != 0) wanted |= kOpenFlagAppend;
  Qid qid = TRY(opened->open(wanted));
  if (P9Contents* contents = existing_contents()) contents->set_version(qid.version);
  return opened;
}

Result<Ref<File>> P9Inode::open(const Path& path, uint32_t flags) {
  if (is_directory()) return open_directory(path, flags, TRY(open_fid(kOpenReadOnly)));
  if (type() != FileType::Regular) return vfs::open_by_type(path, flags);
  Optional<Ref<Fid>> created;
  {
    Guard guard(attribute_lock);
    if (created_ != nullptr) created = Ref<Fid>::adopt(*std::exchange(created_, nullptr));
  }
  P9Contents* contents = TRY(make_contents());
  Ref<Fid> opened = created ? created.take() : TRY(open_fid(flags));
  if ((flags & kOpenAccessMode) != kOpenWriteOnly) contents->read_through(opened);
  return open_regular(path, flags, std::move(opened));
}

// --- Extended attributes -----------------------------------------------------------------

namespace {

constexpr uint64_t kMaxXattr = 64 * KiB;  // XATTR_SIZE_MAX, XATTR_LIST_MAX
constexpr uint32_t kReplaceOnly = 2;

}  // namespace

Result<String> P9Inode::get_xattr(StringView name) { return fid()->read_xattr(name, kMaxXattr); }

Result<> P9Inode::set_xattr(StringView name, StringView value, uint32_t flags) {
  return fid()->write_xattr(name, value, flags);
}

// An attribute of no length is what the protocol has for one that is to go.
Result<> P9Inode::remove_xattr(StringView name) {
  return fid()->write_xattr(name, "", kReplaceOnly);
}

Result<String> P9Inode::list_xattrs() { return fid()->read_xattr("", kMaxXattr); }

}  // namespace kernel::p9
