// SPDX-License-Identifier: MIT
// See anonymous.h.

#include "fs/vfs/anonymous.h"

#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/identity.h"

namespace kernel::anonymous {
namespace {

class AnonymousInode final : public Inode {
 public:
  AnonymousInode(SuperBlock& super_block, FileType type)
      : Inode(super_block, type, super_block.next_inode_number(),
              type == FileType::Socket ? 0777 : 0600) {
    set_owner(vfs::acting_credentials().fsuid, vfs::acting_credentials().fsgid);
  }
};

class AnonymousSuperBlock final : public SuperBlock {
 public:
  AnonymousSuperBlock(StringView name, uint64_t magic) : SuperBlock(name), magic_(magic) {}
  Ref<Inode> root() override { return Ref<Inode>(*root_); }
  FileSystemStatistics statistics() override {
    FileSystemStatistics result;
    result.type = magic_;
    return result;
  }
  Result<> fill() {
    root_ = TRY(make_ref<AnonymousInode>(*this, FileType::Directory));
    return {};
  }

 private:
  Optional<Ref<AnonymousInode>> root_;
  uint64_t magic_;
};

constexpr uint64_t kPipeMagic = 0x5049'5045, kAnonymousMagic = 0x0904'1934,
                   kSocketMagic = 0x534f'434b, kNamespaceMagic = 0x6e73'6673;

constexpr FileType kTypes[] = {FileType::Fifo, FileType::Anonymous, FileType::Socket,
                              FileType::Regular};

// Mounts that stay for good, by kind.
constinit Mount* mounts[4] = {};

Result<Mount*> make_mount(StringView name, uint64_t magic) {
  Ref<AnonymousSuperBlock> super_block = TRY(make_ref<AnonymousSuperBlock>(name, magic));
  TRY(super_block->fill());
  return TRY(vfs::internal_mount(std::move(super_block))).leak();
}

}  // namespace

Result<> init() {
  mounts[0] = TRY(make_mount("pipefs", kPipeMagic));
  mounts[1] = TRY(make_mount("anon_inodefs", kAnonymousMagic));
  mounts[2] = TRY(make_mount("sockfs", kSocketMagic));
  mounts[3] = TRY(make_mount("nsfs", kNamespaceMagic));
  return {};
}

Result<Path> make_place(Ref<Mount> mount, StringView name, Ref<Inode> inode) {
  Ref<Dentry> dentry = TRY(DentryCache::create_detached(name, std::move(inode)));
  return Path(std::move(mount), std::move(dentry));
}

Result<Path> make_place(Kind kind, StringView label, bool with_number) {
  Ref<Mount> mount = mount_of(kind);
  FileType type = kTypes[static_cast<size_t>(kind)];
  Ref<AnonymousInode> inode = TRY(make_ref<AnonymousInode>(mount->super_block(), type));
  if (!with_number) return make_place(std::move(mount), label, std::move(inode));
  char name[40];
  BufferSink sink(name);
  format(sink, "{}:[{}]", label, inode->number());
  return make_place(std::move(mount), sink.view(), std::move(inode));
}

Ref<Mount> mount_of(Kind kind) { return Ref<Mount>(*mounts[static_cast<size_t>(kind)]); }

bool is_place(const Path& path, Kind kind) {
  return &path.mount() == mounts[static_cast<size_t>(kind)];
}

}  // namespace kernel::anonymous
