// SPDX-License-Identifier: MIT
// tmpfs (tmpfs(5)): files, directories and links in memory, with limits. Also ramfs and the root
// file system (without limits), devtmpfs and memfd, which are built of its inodes.
#pragma once

#include "fs/tmpfs/tmpfs_directory.h"
#include "fs/vfs/super_block.h"

namespace kernel {

class TmpfsInode;

class TmpfsSuperBlock : public SuperBlock {
 public:
  struct Options {
    uint64_t max_blocks = 0;   // pages; 0: no limit
    uint64_t max_inodes = 0;   // 0: no limit
    uint16_t mode = 01777;
    Uid uid = 0;
    Gid gid = 0;
  };
  static Result<Ref<TmpfsSuperBlock>> create(StringView type_name, const Options& options);
  ~TmpfsSuperBlock() override;

  Ref<Inode> root() override;
  FileSystemStatistics statistics() override;
  Result<> remount(StringView options, bool read_only) override;
  void show_options(FormatSink& sink) override;

  // A file without a name (memfd_create, O_TMPFILE).
  Result<Ref<TmpfsInode>> make_inode(const CreateParameters& parameters);

  // Whether so many pages would fit if there were no others.
  bool could_hold(uint64_t pages) const {
    uint64_t limit = max_blocks_.load_relaxed();
    return limit == 0 || pages <= limit;
  }
  // Accounting; pages and inodes beyond the limits: NoSpc.
  Result<> charge_pages(uint64_t count);
  void uncharge_pages(uint64_t count) { used_blocks_.fetch_sub_relaxed(count); }
  Result<> charge_inode();
  void uncharge_inode() { used_inodes_.fetch_sub_relaxed(1); }

 private:
  TmpfsSuperBlock(StringView type_name, const Options& options)
      : SuperBlock(type_name), options_(options) {
    user_xattrs_ = false;  // as Linux 6.1 has it
    takes_whiteouts_ = true;
  }
  Options options_;
  Atomic<uint64_t> max_blocks_, max_inodes_;  // 0: no limit
  Atomic<uint64_t> used_blocks_, used_inodes_;
  TmpfsInode* root_ = nullptr;  // owned reference
};

namespace tmpfs {
// Registers tmpfs and ramfs. Boot.
void init();
// Parses "size=10%,nr_inodes=1k,mode=0700,uid=,gid=". Errors: Inval.
Result<TmpfsSuperBlock::Options> parse_options(StringView text, TmpfsSuperBlock::Options defaults);
}  // namespace tmpfs

}  // namespace kernel
