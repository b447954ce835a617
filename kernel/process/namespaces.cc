// SPDX-License-Identifier: MIT
// See namespaces.h.

#include "process/namespaces.h"

#include "fs/vfs/anonymous.h"
#include "fs/vfs/fd_table.h"
#include "vm/user_copy.h"

namespace kernel::namespaces {
namespace {

// ioctl_ns(2).
constexpr uint32_t kGetUserNamespace = 0xb701, kGetParent = 0xb702, kGetKind = 0xb703,
                   kGetOwnerId = 0xb704;

class NamespaceFile final : public File {
 public:
  NamespaceFile(Path path, uint32_t flags, const Namespace& space)
      : File(std::move(path), flags), space_(space) {}
  const void* kind() const override { return &kKind; }
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  const Namespace& space() const { return space_; }

  static constexpr char kKind = 0;  // its address says what a File is, without RTTI

 private:
  const Namespace& space_;
};

class NamespaceInode final : public Inode {
 public:
  NamespaceInode(SuperBlock& super_block, const Namespace& space)
      : Inode(super_block, FileType::Regular, space.number, 0444), space_(space) {}
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    return Ref<File>(TRY(make_ref<NamespaceFile>(path, flags, space_)));
  }
  Result<> set_attributes(const AttributeChange&) override { return Errno::Perm; }

 private:
  const Namespace& space_;
};

Result<int64_t> open_user_namespace() {
  Path place = TRY(place_of(kUser));
  Ref<File> file = TRY(place.inode().open(place, kOpenReadOnly));
  Task& task = current_task();
  return int64_t{TRY(task.files->install(std::move(file), true,
                                         task::limit(task.group(), Resource::OpenFiles).soft))};
}

// Nobody sees above the first namespaces.
Result<int64_t> NamespaceFile::ioctl(uint32_t request, uint64_t argument) {
  bool is_user = space_.flag == kCloneNewUser;
  switch (request) {
    case kGetUserNamespace:
      if (is_user) return Errno::Perm;
      return open_user_namespace();
    case kGetParent: return is_user || space_.flag == kCloneNewPid ? Errno::Perm : Errno::Inval;
    case kGetKind: return static_cast<int64_t>(space_.flag);
    case kGetOwnerId:
      if (!is_user) return Errno::Inval;
      TRY(UserOut<uint32_t>(UserAddr{argument}).write(0));
      return 0;
    default: return Errno::NoTty;
  }
}

}  // namespace

Result<Path> place_of(const Namespace& space) {
  Ref<Mount> mount = anonymous::mount_of(anonymous::Kind::Namespace);
  Ref<NamespaceInode> inode = TRY(make_ref<NamespaceInode>(mount->super_block(), space));
  char name[40];
  BufferSink sink(name);
  format(sink, "{}:[{}]", space.name, space.number);
  return anonymous::make_place(std::move(mount), sink.view(), std::move(inode));
}

const Namespace* of_file(const File& file) {
  if (file.kind() != &NamespaceFile::kKind) return nullptr;
  return &static_cast<const NamespaceFile&>(file).space();
}

}  // namespace kernel::namespaces
