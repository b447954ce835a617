// SPDX-License-Identifier: MIT
// A mounted ext2, ext3 or ext4 volume: what its parts share, mounting and unmounting, and what is
// done about damage. The parts: groups, block and inode allocators, the table of inodes in memory,
// orphans. Locks: kernel/sync/lock_order.h; design: docs/design/ext4.md.
#pragma once

#include "dev/block_device.h"
#include "fs/ext4/block_allocator.h"
#include "fs/ext4/geometry.h"
#include "fs/ext4/groups.h"
#include "fs/ext4/inode_allocator.h"
#include "fs/ext4/node_table.h"
#include "fs/ext4/options.h"
#include "fs/ext4/orphans.h"
#include "fs/jbd2/journal.h"
#include "fs/vfs/super_block.h"
#include "lib/log.h"
#include "sched/work_queue.h"
#include "vm/write_back.h"

namespace kernel::ext4 {

class Node;
using jbd2::Buffer;
using jbd2::Handle;

class Volume final : public SuperBlock, private jbd2::JournalClient {
 public:
  // Errors: Inval (not such a volume, damaged, unknown features or options), RoFs (only read-only),
  // Io, NoMem. `type_name`: "ext4", or what else mount(2) called it.
  static Result<Ref<Volume>> mount(BlockDevice& device, StringView options, bool read_only,
                                   StringView type_name = "ext4");
  ~Volume() override;

  Ref<Inode> root() override;
  FileSystemStatistics statistics() override;
  Result<> synchronise() override;
  Result<> remount(StringView options, bool read_only) override;
  void show_options(FormatSink& sink) override;
  void unmount() override;

  const Geometry& geometry() const { return geometry_; }
  const Options& options() const { return options_; }
  BlockDevice& device() const { return *device_; }
  jbd2::BufferCache& buffers() const { return *buffers_; }
  jbd2::Journal& journal() const { return *journal_; }
  bool has_journal() const { return journal_.has_value(); }  // not while its own inode is read
  Groups& groups() { return groups_; }
  BlockAllocator& blocks() { return blocks_; }
  InodeAllocator& inodes() { return inodes_; }
  NodeTable& nodes() { return nodes_; }
  Orphans& orphans() { return orphans_; }
  WriteBackGroup& write_back_group() { return write_back_group_; }

  // The inode of a number that something on the volume refers to. Errors: Uclean (no such inode,
  // damaged), BadMsg (checksum), Io, NoMem.
  Result<Ref<Node>> node(uint32_t number);

  // A journal handle. Errors: RoFs, as Journal::start().
  Result<Handle> start(unsigned credits, unsigned revokes = 0);
  // Tries again, some times, what failed only because freed blocks wait for a commit. An attempt
  // leaves no handle open.
  template <class Attempt>
  auto with_retries(Attempt attempt_once) {
    for (unsigned attempt = 0;; ++attempt) {
      auto result = attempt_once();
      if (!result.failed_with(Errno::NoSpc) || !should_retry(attempt)) return result;
    }
  }

  // A feature flag is set in the superblock when it is first needed (large_file).
  Result<> require_read_only_feature(Handle& handle, uint32_t feature);
  // Over changes of shared attribute blocks.
  Mutex<LockRank::Ext4Xattrs> xattr_lock;

  // Makes `change(DiskSuper&)` part of `handle`. The checksum is over what others change, too: so
  // one at a time.
  template <class Change>
  Result<> edit_super(Handle& handle, Change change) {
    Guard guard(super_bytes_lock_);
    Ref<Buffer> buffer = TRY(super_buffer());
    TRY(handle.modify(*buffer));
    change(super_in(*buffer));
    seal_super(handle, *buffer);
    return {};
  }
  // The superblock in memory, to be read.
  Result<Ref<Buffer>> super_buffer();
  DiskSuper& super_in(Buffer& buffer) const {
    return *reinterpret_cast<DiskSuper*>(buffer.data() +
                                         (geometry_.block_size == 1024 ? 0 : kSuperOffset));
  }

  // Damage: one line in the log, a mark in the superblock, and what errors= says. Returns the
  // error for the caller. `inode`: 0 when it concerns none.
  template <class... Arguments>
  Errno corrupted(uint32_t inode, StringView pattern, const Arguments&... arguments) {
    char text[160];
    BufferSink sink(text);
    format(sink, pattern, arguments...);
    note_error(inode, sink.view());
    return Errno::Uclean;
  }
  bool has_errors() const { return error_count_.load_relaxed() != 0; }
  StringView name() const { return device_->name(); }

 private:
  Volume(BlockDevice& device, StringView type_name);
  bool should_retry(unsigned attempt);  // counts from 0; true when a commit has set blocks free
  Result<> load(StringView options, bool read_only);
  Result<> read_super(DiskSuper& super, uint64_t kilobyte);
  Result<> set_up_geometry(const DiskSuper& super, bool read_only);
  uint64_t compute_overhead(const DiskSuper& super) const;
  Result<> open_journal(const DiskSuper& super, bool read_only);
  Result<> begin_writing();
  Result<> end_writing();
  Result<> close();
  void note_error(uint32_t inode, StringView text);
  bool has_unrecorded_errors() const {
    return error_count_.load_relaxed() != recorded_errors_.load_relaxed();
  }
  void schedule_recording();
  void record_errors();
  void fill_error_fields(DiskSuper& super);
  void fill_counts(DiskSuper& super);
  void journal_aborted(Errno cause) override;
  void seal_super(Handle& handle, Buffer& buffer) REQUIRES(super_bytes_lock_);
  Result<> change_super(void (*change)(DiskSuper&, Volume&)) REQUIRES(super_lock_);
  Result<> write_super_directly(void (*change)(DiskSuper&, Volume&)) REQUIRES(super_lock_);

  class RecordErrors : public Work {
   public:
    explicit RecordErrors(Volume& owner)
        : Work([](Work& work) {
            Volume& damaged = static_cast<RecordErrors&>(work).volume;
            damaged.record_errors();
            damaged.unref();
          }),
          volume(owner) {}
    Volume& volume;
  };

  BlockDevice* device_;  // the base holds it
  Geometry geometry_;
  Options options_;  // changed by mount and remount alone
  Optional<Owned<jbd2::BufferCache>> buffers_;
  Optional<Ref<jbd2::Journal>> journal_;
  WriteBackGroup write_back_group_;
  Groups groups_;
  BlockAllocator blocks_;
  InodeAllocator inodes_;
  NodeTable nodes_;
  Orphans orphans_;
  Node* root_ = nullptr;  // owned reference
  uint64_t overhead_ = 0;
  // Over changes of the superblock that do not belong to another change. Taken before a handle.
  Mutex<LockRank::Ext4Super> super_lock_;
  Mutex<LockRank::Ext4SuperBytes> super_bytes_lock_;
  bool in_use_ = false;     // for writing, as the superblock says
  bool was_valid_ = false;  // before it was mounted for writing
  bool orphans_left_ = false;

  // Errors since the mount, for the superblock.
  struct LastError {
    uint32_t inode = 0;
    char text[32] = {};
    int64_t time = 0;
  };
  Atomic<uint32_t> error_count_;
  Atomic<uint32_t> recorded_errors_;
  Atomic<uint32_t> logged_errors_;
  SpinLock<LockRank::Leaf> error_lock_;
  LastError first_error_ GUARDED_BY(error_lock_);
  LastError last_error_ GUARDED_BY(error_lock_);
  RecordErrors record_errors_{*this};
};

// Registers ext4, ext3 and ext2. Boot.
void init_types();

}  // namespace kernel::ext4
