// SPDX-License-Identifier: MIT
// The names in a merged directory, with cookies that are never used twice: a listing goes on where
// it was, whatever is made and removed meanwhile. The directory's lock guards it.
#pragma once

#include "fs/vfs/inode.h"
#include "lib/tree.h"

namespace kernel::overlay {

struct ListedNameTag {};
struct ListedCookieTag {};

struct Listed final : TreeNode<Listed, ListedNameTag>, TreeNode<Listed, ListedCookieTag> {
  String name;
  uint64_t number = 0;
  uint64_t cookie = 0;
  FileType type = FileType::Regular;
  bool hidden = false;  // a whiteout, while the list is made
};

class Listing : public Pinned {
 public:
  ~Listing() { clear(); }
  bool is_complete() const { return complete_; }
  bool has(StringView name) const { return find(name) != nullptr; }
  Result<> add(StringView name, uint64_t number, FileType type, bool hidden = false);
  void remove(StringView name);
  void complete();  // without what is hidden
  bool empty() const { return names_.empty(); }
  void clear();
  // From that cookie on, until the sink is full.
  void read(uint64_t offset, DirectorySink& sink) const;

 private:
  struct ByName {
    static bool less(const Listed& a, const Listed& b) { return a.name.view() < b.name.view(); }
  };
  struct ByCookie {
    static bool less(const Listed& a, const Listed& b) { return a.cookie < b.cookie; }
  };
  Listed* find(StringView name) const;
  void drop(Listed& entry);
  Tree<Listed, ByName, ListedNameTag> names_;
  Tree<Listed, ByCookie, ListedCookieTag> cookies_;
  uint64_t next_cookie_ = 2;
  bool complete_ = false;
};

}  // namespace kernel::overlay
