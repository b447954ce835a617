// SPDX-License-Identifier: MIT
// A directory's entries as they were at one moment, in the order of their names' bytes. With the
// kernel's word `deterministic` that is how directories are listed, so that what a program does
// with them does not depend on how a file system happens to keep names.
#pragma once

#include "fs/vfs/inode.h"
#include "lib/tree.h"

namespace kernel {

class SortedListing : public Pinned {
 public:
  ~SortedListing();
  static Result<Owned<SortedListing>> take(Inode& directory) REQUIRES(directory.lock);
  // From that cookie on, until the sink is full.
  void read(uint64_t cookie, DirectorySink& sink) const;

  static constexpr uint64_t kFirstCookie = 2;  // behind "." and ".."

 private:
  struct Entry final : TreeNode<Entry> {
    String name;
    uint64_t number = 0;
    FileType type = FileType::Regular;
    uint64_t cookie = 0;
  };
  struct ByName {
    static bool less(const Entry& a, const Entry& b) { return a.name.view() < b.name.view(); }
  };
  class Collector;

  Result<> add(StringView name, uint64_t number, FileType type);

  Tree<Entry, ByName> entries_;
};

}  // namespace kernel
