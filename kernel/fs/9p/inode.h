// SPDX-License-Identifier: MIT
// A file of a 9p tree. What it says of itself comes from the server each time it is asked (but with
// cache=loose); what is kept is what a walk reads without sleeping. Its fid is a way to it by the
// name that was walked last: servers know files by their paths, so an older name may be gone.
#pragma once

#include "fs/9p/contents.h"
#include "fs/9p/super_block.h"

namespace kernel::p9 {

class P9Inode final : public Inode, public TreeNode<P9Inode> {
 public:
  P9Inode(P9SuperBlock& super_block, const Attributes& attributes, Ref<Fid> fid);
  ~P9Inode() override;

  uint64_t path() const { return number(); }
  Ref<Fid> fid() const;
  P9SuperBlock& tree() const { return static_cast<P9SuperBlock&>(super_block()); }
  // What the server says now; `fid`: by another way than before.
  void update(const Attributes& attributes);
  void update(const Attributes& attributes, Ref<Fid> fid);
  // Asks. Errors: the server's.
  Result<> refresh();
  // The page cache, made at first use.
  Result<P9Contents*> make_contents();
  P9Contents* existing_contents() const { return contents_.load_acquire(); }
  // What this kernel has just made it on the server.
  void set_size(uint64_t size);

  uint64_t size() override { return size_.load_relaxed(); }
  InodeAttributes attributes() override;
  bool has_name(StringView name, Inode& child) override;
  // With cache=loose: a file of several names, whose way may be by one that has gone.
  bool revalidate() override { return links() <= 1 && !lost_name_.load_relaxed(); }
  bool may_gain_names() const override { return true; }
  Result<Ref<Inode>> lookup(StringView name) override;
  Result<Ref<Inode>> create(StringView name, const CreateParameters& parameters) override;
  Result<> link(StringView name, Inode& target) override;
  Result<> unlink(StringView name, Inode& target) override;
  Result<> remove_directory(StringView name, Inode& target) override;
  Result<> rename(StringView old_name, Inode& target, Inode& new_directory, StringView new_name,
                  Inode* replaced, bool exchange) override;
  Result<String> read_link() override;
  MemoryObject* contents() override { return existing_contents(); }
  Result<> set_attributes(const AttributeChange& change) override;
  Result<Ref<File>> open(const Path& path, uint32_t flags) override;
  Result<String> get_xattr(StringView name) override;
  Result<> set_xattr(StringView name, StringView value, uint32_t flags) override;
  Result<> remove_xattr(StringView name) override;
  Result<String> list_xattrs() override;
  void evict() override;

 private:
  Result<Ref<P9Inode>> look_up(StringView name);
  bool is_described_by(const Attributes& attributes) const;
  void apply_size(uint64_t size);
  Result<Ref<Fid>> open_fid(uint32_t flags);
  Result<Ref<Fid>> make(StringView name, const CreateParameters& parameters);
  // A name of it has gone.
  static void lose_name(Inode& inode);

  friend class P9SuperBlock;
  Fid* fid_ GUARDED_BY(attribute_lock);  // a reference; never null before evict()
  uint64_t known_at_ GUARDED_BY(attribute_lock) = 0;  // Session::next_time() of what is kept
  // open(2) has just made the file: its fid, open for reading and writing.
  Fid* created_ GUARDED_BY(attribute_lock) = nullptr;
  Atomic<bool> lost_name_;  // and has not been walked to since
  Atomic<uint64_t> size_;
  Atomic<uint64_t> blocks_;
  Atomic<uint32_t> block_size_;
  Atomic<P9Contents*> contents_;
};

// Open files; `fid` is open.
Result<Ref<File>> open_regular(const Path& path, uint32_t flags, Ref<Fid> fid);
Result<Ref<File>> open_directory(const Path& path, uint32_t flags, Ref<Fid> fid);

}  // namespace kernel::p9
