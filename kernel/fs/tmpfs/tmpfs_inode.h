// SPDX-License-Identifier: MIT
// An inode of tmpfs: contents in a memory object, entries, link target, extended attributes. Its
// methods are called with the locks that fs/vfs/inode.h names.
#pragma once

#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs/file.h"
#include "vm/memory_object.h"

namespace kernel {

// The pages of one file. They count against the file system's size.
class TmpfsObject final : public MemoryObject {
 public:
  explicit TmpfsObject(TmpfsSuperBlock& super_block) : super_block_(super_block) {}

 protected:
  Result<> charge_page() override { return super_block_.charge_pages(1); }
  void uncharge_pages(uint64_t count) override { super_block_.uncharge_pages(count); }

 private:
  TmpfsSuperBlock& super_block_;  // whoever uses the pages holds a file, and that holds the mount
};

class TmpfsInode : public Inode {
 public:
  static Result<Ref<TmpfsInode>> create(TmpfsSuperBlock& super_block,
                                        const CreateParameters& parameters);

  uint64_t size() override;
  InodeAttributes attributes() override;
  Result<Ref<Inode>> lookup(StringView name) override;
  Result<Ref<Inode>> create(StringView name, const CreateParameters& parameters) override;
  Result<Ref<Inode>> create_unnamed(const CreateParameters& parameters) override;
  Result<> link(StringView name, Inode& target) override;
  Result<> unlink(StringView name, Inode& target) override;
  Result<> remove_directory(StringView name, Inode& target) override;
  Result<> rename(StringView old_name, Inode& target, Inode& new_directory, StringView new_name,
                  Inode* replaced, bool exchange) override;
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override;
  StringView immutable_link() const override { return target_.view(); }
  MemoryObject* contents() override { return object_.get(); }
  Result<> set_attributes(const AttributeChange& change) override;
  Result<> allocate(uint32_t mode, uint64_t start, uint64_t length) override;
  Result<String> get_xattr(StringView name) override;
  Result<> set_xattr(StringView name, StringView value, uint32_t flags) override;
  Result<> remove_xattr(StringView name) override;
  Result<String> list_xattrs() override;
  void evict() override;

  // Puts an inode that exists under a name (devtmpfs, initramfs). The lock is held.
  Result<> add_entry(StringView name, Ref<Inode> inode);
  // Unmount: all that is below goes.
  void drop_tree();
  // Contents that somebody else has filled: whole pages are adopted, not copied.
  TmpfsObject& object() { return *object_; }

 private:
  struct Attribute {
    String name;
    String value;
  };
  TmpfsInode(TmpfsSuperBlock& super_block, FileType type, uint64_t number, uint16_t mode)
      : Inode(super_block, type, number, mode) {}
  TmpfsSuperBlock& tmpfs() const { return static_cast<TmpfsSuperBlock&>(*super_block_); }
  size_t find_xattr(StringView name) const;
  void drop_entry(TmpfsEntry& entry);

  Optional<Ref<TmpfsObject>> object_;  // of a regular file
  TmpfsDirectory entries_;             // of a directory
  String target_;                      // of a symbolic link
  Vector<Attribute> xattrs_;
};

}  // namespace kernel
