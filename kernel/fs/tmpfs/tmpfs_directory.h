// SPDX-License-Identifier: MIT
// The entries of one tmpfs directory: found by name through a tree, listed in the order of their
// cookies. A cookie is given once and never again, so that a listing goes on where it was however
// the directory changed. Guarded by the directory inode's lock.
#pragma once

#include "fs/vfs/inode.h"
#include "lib/tree.h"

namespace kernel {

struct NameTag {};
struct CookieTag {};

struct TmpfsEntry final : TreeNode<TmpfsEntry, NameTag>, TreeNode<TmpfsEntry, CookieTag> {
  uint32_t hash = 0;
  uint64_t cookie = 0;
  String name;
  Ref<Inode> inode;

  TmpfsEntry(String own_name, Ref<Inode> own_inode, uint32_t own_hash)
      : hash(own_hash), name(std::move(own_name)), inode(std::move(own_inode)) {}
};

class TmpfsDirectory : public Pinned {
 public:
  ~TmpfsDirectory();
  bool empty() const { return count_ == 0; }
  uint64_t count() const { return count_; }
  TmpfsEntry* find(StringView name) const;
  static Result<Owned<TmpfsEntry>> make_entry(StringView name, Ref<Inode> inode);
  void insert(Owned<TmpfsEntry> entry);
  Owned<TmpfsEntry> remove(TmpfsEntry& entry);
  // The first entry with a cookie >= `cookie`; null behind the last.
  TmpfsEntry* at_or_behind(uint64_t cookie) const;
  static TmpfsEntry* next(const TmpfsEntry& entry) {
    return Tree<TmpfsEntry, ByCookie, CookieTag>::next(entry);
  }

 private:
  struct ByName {
    static bool less(const TmpfsEntry& a, const TmpfsEntry& b) {
      return a.hash != b.hash ? a.hash < b.hash : a.name.view() < b.name.view();
    }
  };
  struct ByCookie {
    static bool less(const TmpfsEntry& a, const TmpfsEntry& b) { return a.cookie < b.cookie; }
  };
  Tree<TmpfsEntry, ByName, NameTag> names_;
  Tree<TmpfsEntry, ByCookie, CookieTag> cookies_;
  uint64_t next_cookie_ = 2;
  uint64_t count_ = 0;
};

}  // namespace kernel
