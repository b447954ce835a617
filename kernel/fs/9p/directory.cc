// SPDX-License-Identifier: MIT
// Names of a 9p tree, and open directories. The server decides; what the inodes here say of links
// and times is what it will say when it is asked next.

#include "fs/9p/inode.h"
#include "fs/9p/payload.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/notify.h"

namespace kernel::p9 {
namespace {

P9Inode& as_9p(Inode& inode) { return static_cast<P9Inode&>(inode); }

// access=UID: nobody else gets in.
Result<> check_user(const P9SuperBlock& tree) {
  const MountOptions& options = tree.options();
  bool allowed = options.access != AccessMode::One ||
                 vfs::acting_credentials().fsuid == options.only_user;
  return allowed ? Result<>() : Errno::Acces;
}

}  // namespace

Result<Ref<P9Inode>> P9Inode::look_up(StringView name) {
  TRY(check_user(tree()));
  Fid::Walked walked = TRY(fid()->walk(name));
  Attributes attributes = TRY(walked.fid->attributes());
  return tree().inode_of(attributes, std::move(walked.fid));
}

Result<Ref<Inode>> P9Inode::lookup(StringView name) {
  return Ref<Inode>(TRY(look_up(name)));
}

// Whatever keeps the answer away makes the name be looked up again, and that says what it was.
bool P9Inode::has_name(StringView name, Inode& child) {
  if (!check_user(tree()).ok()) return false;
  Result<Fid::Walked> walked = fid()->walk(name);
  if (!walked.ok() || walked->qid.path != child.number()) return false;
  Result<Attributes> attributes = walked->fid->attributes();
  if (!attributes.ok() || !as_9p(child).is_described_by(*attributes)) return false;
  as_9p(child).update(*attributes, std::move(walked->fid));
  return true;
}

// The fid of what was made, where it is open already; else one that is of no use.
Result<Ref<Fid>> P9Inode::make(StringView name, const CreateParameters& parameters) {
  Ref<Fid> directory = fid();
  OwnerAndMode owner{parameters.mode, parameters.gid};
  switch (parameters.type) {
    case FileType::Directory: TRY(directory->make_directory(name, owner)); break;
    case FileType::Symlink:
      TRY(directory->make_symlink(name, parameters.symlink_target, parameters.gid));
      break;
    case FileType::Regular:
      if (parameters.for_open) {
        directory = TRY(directory->clone());
        TRY(directory->create(name, kOpenReadWrite | kOpenFlagCreate | kOpenFlagExclusive, owner));
        break;
      }
      [[fallthrough]];
    default:
      owner.mode |= type_bits(parameters.type);
      TRY(directory->make_node(name, owner, parameters.device));
  }
  return directory;
}

Result<Ref<Inode>> P9Inode::create(StringView name, const CreateParameters& parameters) {
  TRY(check_user(tree()));
  Ref<Fid> made = TRY(make(name, parameters));
  Ref<P9Inode> inode = TRY(look_up(name));
  tree().give_owner(*inode, parameters.uid, parameters.gid);
  if (parameters.for_open && inode->type() == FileType::Regular) {
    Fid* created = std::move(made).leak();
    {
      Guard guard(inode->attribute_lock);
      std::swap(inode->created_, created);
    }
    if (created != nullptr) created->unref();
  }
  touch(false, true, true);
  return Ref<Inode>(std::move(inode));
}

Result<> P9Inode::link(StringView name, Inode& target) {
  TRY(fid()->link(name, *as_9p(target).fid()));
  target.add_links(1);
  target.touch(false, false, true);
  touch(false, true, true);
  return {};
}

void P9Inode::lose_name(Inode& inode) {
  if (inode.is_directory()) {
    as_9p(inode).links_.store_relaxed(0);
  } else if (inode.links() != 0) {
    inode.add_links(-1);
  }
  as_9p(inode).lost_name_.store_relaxed(true);
  inode.touch(false, false, true);
}

Result<> P9Inode::unlink(StringView name, Inode& target) {
  TRY(fid()->unlink(name, 0));
  lose_name(target);
  touch(false, true, true);
  return {};
}

Result<> P9Inode::remove_directory(StringView name, Inode& target) {
  TRY(fid()->unlink(name, kUnlinkDirectory));
  lose_name(target);
  touch(false, true, true);
  return {};
}

// 9P2000.L knows no exchange.
Result<> P9Inode::rename(StringView old_name, Inode& target, Inode& new_directory,
                         StringView new_name, Inode* replaced, bool exchange) {
  if (exchange) return Errno::Inval;
  TRY(fid()->rename(old_name, *as_9p(new_directory).fid(), new_name));
  if (replaced != nullptr) lose_name(*replaced);
  target.touch(false, false, true);
  touch(false, true, true);
  new_directory.touch(false, true, true);
  return {};
}

// --- Open directories --------------------------------------------------------------------

namespace {

// The position is the server's: each entry says where the one behind it is. "." and ".." come from
// the server, too.
class P9Directory final : public File {
 public:
  P9Directory(const Path& path, uint32_t flags, Ref<Fid> fid)
      : File(path, flags), fid_(std::move(fid)) {}
  Result<size_t> read(IoBuffer&, uint64_t) override { return Errno::IsDir; }
  Result<size_t> write(IoBuffer&, uint64_t) override { return Errno::BadF; }
  Result<uint64_t> seek(int64_t offset, Whence whence) override;
  Result<> read_directory(DirectorySink& sink) override;
  Result<> synchronise(bool data_only) override { return fid().synchronise(data_only); }
  bool is_seekable() const override { return true; }

 private:
  static constexpr uint32_t kAtOnce = 32 * KiB;
  Fid& fid() const { return *fid_; }
  void on_close() override { fid_.reset(); }
  Result<bool> pass_on(std::span<const uint8_t> bytes, DirectorySink& sink);
  Optional<Ref<Fid>> fid_;  // gone when it is closed, before the memory is
};

Result<uint64_t> P9Directory::seek(int64_t offset, Whence whence) {
  if (whence != Whence::Set && whence != Whence::Current) return Errno::Inval;
  return move_position(whence == Whence::Current ? position_hint() : 0, offset);
}

// False: the caller has no more room.
Result<bool> P9Directory::pass_on(std::span<const uint8_t> bytes, DirectorySink& sink) {
  MessageReader reader(bytes);
  while (reader.left() != 0) {
    DirectoryEntry entry = TRY(parse_entry(reader));
    if (!sink.entry(entry.name, entry.qid.path, entry.type, entry.offset)) return false;
    TRY(move_position(entry.offset, 0));
  }
  return true;
}

Result<> P9Directory::read_directory(DirectorySink& sink) {
  if (inode().removed_directory.load_relaxed()) return Errno::NoEnt;
  Payload payload = TRY(Payload::allocate(kAtOnce, fid().session().max_data()));
  for (;;) {
    uint32_t moved = TRY(fid().read_directory(position_hint(), payload.first(payload.size())));
    if (moved == 0 || !TRY(pass_on({payload.data(), moved}, sink))) break;
  }
  notify::file(*this, notify::kAccess);
  inode().note_access(path().mount());
  return {};
}

}  // namespace

Result<Ref<File>> open_directory(const Path& path, uint32_t flags, Ref<Fid> fid) {
  return Ref<File>(TRY(make_ref<P9Directory>(path, flags, std::move(fid))));
}

}  // namespace kernel::p9
