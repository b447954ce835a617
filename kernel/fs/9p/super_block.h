// SPDX-License-Identifier: MIT
// A mounted 9p tree: its session with the server, its options, and its inodes by the server's name
// for them (the path of the qid), so that the names of one file share an inode.
#pragma once

#include "fs/9p/fid.h"
#include "fs/9p/mount_options.h"
#include "lib/tree.h"
#include "vm/write_back.h"

namespace kernel::p9 {

class P9Inode;
struct InodeByPath {
  static bool less(const P9Inode& a, const P9Inode& b);
};

class P9SuperBlock final : public SuperBlock {
 public:
  static Result<Ref<P9SuperBlock>> mount(StringView source, StringView options);
  ~P9SuperBlock() override;

  Ref<Inode> root() override;
  FileSystemStatistics statistics() override;
  Result<> synchronise() override { return group_.synchronise(); }
  WriteBackGroup& group() { return group_; }
  void show_options(FormatSink& sink) override { options_.show(sink); }

  const MountOptions& options() const { return options_; }
  bool is_loose() const { return options_.cache == CacheMode::Loose; }
  Session& session() const { return root_fid_->session(); }

  // The inode of a file that the server has just described; `fid` is a way to it.
  Result<Ref<P9Inode>> inode_of(const Attributes& attributes, Ref<Fid> fid);
  void forget(P9Inode& inode);
  // A new file's owner, where the server gave it another one and may be asked to change that.
  void give_owner(P9Inode& inode, Uid uid, Gid gid);

 private:
  template <class T, class... Arguments>
  friend Result<Ref<T>> kernel::make_ref(Arguments&&... arguments);
  P9SuperBlock(Ref<Fid> root_fid, MountOptions options);
  Optional<Ref<P9Inode>> find_inode_locked(const Attributes& attributes) REQUIRES(lock_);

  WriteBackGroup group_;
  Ref<Fid> root_fid_;
  MountOptions options_;
  Optional<Ref<P9Inode>> root_;  // there once it is mounted
  Atomic<bool> cannot_give_;  // the server does not let us
  SpinLock<LockRank::FileServer> lock_;
  Tree<P9Inode, InodeByPath> inodes_ GUARDED_BY(lock_);
};

}  // namespace kernel::p9
