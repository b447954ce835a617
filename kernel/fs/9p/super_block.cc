// SPDX-License-Identifier: MIT
// See super_block.h.

#include "fs/9p/inode.h"
#include "fs/9p/nine_p.h"
#include "fs/vfs/identity.h"
#include "lib/log.h"

namespace kernel::p9 {
namespace {

constexpr uint64_t kMagic = 0x0102'1997;  // V9FS_MAGIC

}  // namespace

bool InodeByPath::less(const P9Inode& a, const P9Inode& b) { return a.path() < b.path(); }

P9SuperBlock::P9SuperBlock(Ref<Fid> root_fid, MountOptions options)
    : SuperBlock("9p"), root_fid_(std::move(root_fid)), options_(std::move(options)) {
  flock_locks_bytes_ = true;
}

P9SuperBlock::~P9SuperBlock() { root_.reset(); }

Result<Ref<P9SuperBlock>> P9SuperBlock::mount(StringView source, StringView text) {
  MountOptions options = TRY(MountOptions::parse(text));
  Result<Ref<Session>> session = Session::connect(source, options.message_size);
  if (session.failed_with(Errno::NoEnt)) log_error("9p: no device is called {}", source);
  StringView user = options.user_name.empty() ? "nobody"_sv : options.user_name.view();
  Uid uid = options.default_uid;
  if (options.access == AccessMode::Client) uid = vfs::acting_credentials().fsuid;
  if (options.access == AccessMode::One) uid = options.only_user;
  Ref<Fid> root =
      TRY(Fid::attach(TRY(std::move(session)), user, uid, options.root_name));
  options.message_size = root->session().message_size();
  Attributes attributes = TRY(root->attributes());
  Ref<P9SuperBlock> tree = TRY(make_ref<P9SuperBlock>(root, std::move(options)));
  if (!tree->is_loose()) tree->asked_flags.store_relaxed(kSuperDirSync);
  tree->root_ = TRY(tree->inode_of(attributes, std::move(root)));
  return tree;
}

Ref<Inode> P9SuperBlock::root() { return Ref<Inode>(*root_); }

FileSystemStatistics P9SuperBlock::statistics() {
  Result<FileSystemStatistics> asked = root_fid_->statistics();
  FileSystemStatistics result = asked.ok() ? *asked : FileSystemStatistics{};
  if (result.type == 0) result.type = kMagic;
  return result;
}

Optional<Ref<P9Inode>> P9SuperBlock::find_inode_locked(const Attributes& attributes) {
  P9Inode* at = inodes_.root();
  while (at != nullptr && at->path() != attributes.qid.path) {
    at = attributes.qid.path < at->path() ? Tree<P9Inode, InodeByPath>::left(*at)
                                          : Tree<P9Inode, InodeByPath>::right(*at);
  }
  if (at == nullptr) return {};
  if (at->is_described_by(attributes) && at->try_ref()) return Ref<P9Inode>::adopt(*at);
  inodes_.remove(*at);  // the server has given its number to another file
  return {};
}

Result<Ref<P9Inode>> P9SuperBlock::inode_of(const Attributes& attributes, Ref<Fid> fid) {
  Optional<Ref<P9Inode>> found;
  {
    Guard guard(lock_);
    found = find_inode_locked(attributes);
  }
  if (!found) {
    Ref<P9Inode> made = TRY(make_ref<P9Inode>(*this, attributes, fid));
    Guard guard(lock_);
    found = find_inode_locked(attributes);  // somebody may have been faster
    if (!found) {
      inodes_.insert(*made);
      return made;
    }
  }
  found->update(attributes, std::move(fid));
  return found.take();
}

void P9SuperBlock::forget(P9Inode& inode) {
  Guard guard(lock_);
  if (inode.is_in_tree()) inodes_.remove(inode);
}

void P9SuperBlock::give_owner(P9Inode& inode, Uid uid, Gid gid) {
  if (options_.access == AccessMode::Any || cannot_give_.load_relaxed()) return;
  if (inode.uid() == uid && inode.gid() == gid) return;
  AttributeChange change;
  change.uid = uid;
  change.gid = gid;
  uint16_t mode = inode.mode();
  Result<> given = inode.set_attributes(change);
  if (!given.ok()) {
    // An ordinary user's server: what it makes is that user's, and there is no use in asking again.
    cannot_give_.store_relaxed(true);
    return;
  }
  if ((mode & (kModeSetUid | kModeSetGid)) == 0) return;
  AttributeChange again;  // a change of owner has taken these away
  again.mode = mode;
  ignore(inode.set_attributes(again));  // as with any chmod by a server that refuses set-id bits
}

namespace {

Result<Ref<SuperBlock>> mount_9p(StringView source, StringView options) {
  return Ref<SuperBlock>(TRY(P9SuperBlock::mount(source, options)));
}

constinit FileSystemType type{"9p", mount_9p};

}  // namespace

void init() { register_file_system(type); }

}  // namespace kernel::p9
