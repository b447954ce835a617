// SPDX-License-Identifier: MIT
// Names in memory: dentries (one per name, cached, negative ones too), mounts, and a Path, which is
// a dentry seen through a mount. Walks run inside an RCU section and take no lock and no reference
// per step (path_resolution(7)). How dentries are found, made and moved: dentry_cache.h.
#pragma once

#include "fs/vfs/super_block.h"

namespace kernel {

class Mount;

// A name and its hash; never changed in place, replaced when a rename gives the dentry another one.
struct DentryName : RcuHead {
  uint32_t hash = 0;
  uint16_t size = 0;
  char text[1];  // `size` characters follow
};

struct DentryLruTag {};

class Dentry final : public RefCounted<Dentry>,
                     public RcuHead,
                     public ListNode<Dentry, DentryLruTag> {
 public:
  // Null: negative. It is set once and then stays: an unlinked name leaves the cache as it is. RCU
  // section or a reference held.
  Inode* inode() const { return inode_.read(); }
  Dentry& parent() const { return *parent_.read(); }
  StringView name() const {
    const DentryName* name = name_.load_acquire();
    return {name->text, name->size};
  }
  bool is_root() const { return parent_.read() == this; }
  bool is_removed() const { return removed_.load_relaxed(); }  // unlinked: " (deleted)"
  // Something is mounted here, in some namespace.
  bool is_mount_point() const { return mounts_here_.load_relaxed() != 0; }
  static void last_unref(Dentry* dentry);

  Dentry() = default;  // DentryCache makes them
  ~Dentry();

 private:
  friend class DentryCache;
  friend class MountTree;

  RcuPointer<Dentry> parent_;        // owned reference, but for a root: itself
  RcuPointer<Inode> inode_;          // owned reference
  Atomic<const DentryName*> name_;
  Atomic<Dentry*> hash_next_;
  Atomic<uint32_t> mounts_here_;
  Atomic<bool> recently_used_;
  Atomic<bool> removed_;
  bool hashed_ = false;              // lock of its hash stripe
  static constexpr size_t kInlineName = 32;
  alignas(DentryName) char inline_name_[sizeof(DentryName) + kInlineName];
};

class Path {
 public:
  Path(Ref<Mount> mount, Ref<Dentry> dentry);
  Path(const Path&);
  Path(Path&&) noexcept;
  Path& operator=(const Path&);
  Path& operator=(Path&&) noexcept;
  ~Path();
  Mount& mount() const { return *mount_; }
  Dentry& dentry() const { return *dentry_; }
  Inode& inode() const { return *dentry_->inode(); }
  Ref<Mount> mount_ref() const;
  Ref<Dentry> dentry_ref() const { return dentry_; }
  // Absolute name as seen from `root`; " (deleted)" behind it when unlinked. What is not below
  // `root` is named from its own top, and marked by "(unreachable)" where getcwd(2) is asked.
  // Errors: NameTooLong, NoMem.
  enum class Unreachable : uint8_t { Unmarked, Marked };
  Result<String> to_string(const Path& root, Unreachable unreachable = Unreachable::Unmarked) const;
  friend bool operator==(const Path& a, const Path& b) {
    return a.mount_.get() == b.mount_.get() && a.dentry_ == b.dentry_;
  }

 private:
  Ref<Mount> mount_;
  Ref<Dentry> dentry_;
};

}  // namespace kernel
