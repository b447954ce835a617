// SPDX-License-Identifier: MIT
// One inode of a volume in memory. There is one Node for a number at a time (node_table.h). What
// the vfs layer calls is spread over several files by what it is about: node.cc (attributes,
// life), node_disk.cc (from and to the inode table), names.cc (directories), data.cc (contents),
// truncate.cc, fallocate.cc, xattr.cc.
#pragma once

#include "fs/ext4/block_map.h"
#include "fs/ext4/data.h"
#include "fs/ext4/geometry.h"
#include "fs/vfs/file.h"
#include "fs/vfs/inode.h"
#include "sched/rw_mutex.h"

namespace kernel::ext4 {

class Volume;

struct NumberTag {};
struct OrphanTag {};
struct DirtyTag {};

class Node final : public Inode,
                   public TreeNode<Node, NumberTag>,  // NodeTable
                   public ListNode<Node, OrphanTag>,  // Orphans
                   public ListNode<Node, DirtyTag> {  // NodeTable
 public:
  // A new inode, with one link (a directory: two) and no name yet. `parent`: the directory it is
  // made in. Then init(), and abandon() when that or what follows fails. Credits: kCreateCredits.
  static Result<Ref<Node>> make(Handle& handle, Node& parent, const CreateParameters& parameters);
  Result<> init(Handle& handle, Node& parent, const CreateParameters& parameters);
  // Number, orphan record, inode, and a block for a directory or a long link.
  static constexpr unsigned kCreateCredits = 3 + 4 + 1 + block_map::kCredits;
  // Damaged: its end touches nothing on the disk.
  void discard();
  // What was made gets no name after all: its end, behind the handle's, deletes it.
  void abandon(Handle& handle);

  Volume& volume() const;
  uint32_t disk_number() const { return static_cast<uint32_t>(number_); }
  // For the checksums of what belongs to it.
  uint32_t checksum_seed() const { return checksum_seed_; }
  uint32_t flags() const { return flags_.load_relaxed(); }
  bool has(uint32_t flag) const { return (flags() & flag) != 0; }
  void set_flag(uint32_t flag) { flags_.fetch_or_relaxed(flag); }
  void clear_flag(uint32_t flag) { flags_.fetch_and_relaxed(~flag); }
  bool has_extents() const { return has(kInodeExtents); }
  bool has_inline_data() const { return has(kInodeInlineData); }
  BlockUse block_use() const {
    return type_ == FileType::Regular ? BlockUse::Data : BlockUse::Metadata;
  }
  // Where its first block had best lie.
  uint64_t allocation_goal() const;
  uint16_t extra_size() const { return extra_size_; }

  // --- Guarded by map_lock: the inode as it lies on the disk, its block map above all. Taken with
  // a journal handle open when it is changed; below it only the allocators' lock.
  RwMutex<LockRank::Ext4Map> map_lock;
  uint8_t* block_map() { return block_map_; }
  const uint8_t* block_map() const { return block_map_; }
  uint64_t disk_size() const { return disk_size_.load_relaxed(); }
  void set_disk_size(uint64_t size) { disk_size_.store_relaxed(size); }
  // In file-system blocks.
  void add_blocks(int32_t count);
  uint64_t xattr_block() const { return xattr_block_; }
  void set_xattr_block(uint64_t block) { xattr_block_ = block; }
  Result<> init_map();  // an empty one

  // Where it lies in the inode table.
  struct Place {
    Ref<Buffer> buffer;
    uint8_t* bytes;  // Geometry::inode_size of them
    DiskInode& disk() const { return *reinterpret_cast<DiskInode*>(bytes); }
  };
  static Result<Place> place_of(Volume& volume, uint32_t number);
  Result<Place> place() { return place_of(volume(), disk_number()); }
  // Writes it there. Credits: 1.
  Result<> store(Handle& handle);
  Result<> store_locked(Handle& handle) REQUIRES(map_lock);
  // As store(), for what changed in memory only, with a handle of its own when needed.
  Result<> store_if_dirty();
  bool is_dirty() const { return dirty_.load_relaxed(); }
  // What is to be committed for fsync(2).
  void note_change(const Handle& handle);

  Window window;  // of the block allocator
  // Where deletion is on record; Orphans' lock.
  uint32_t next_orphan = 0;
  bool is_orphan = false;
  std::optional<uint32_t> orphan_slot;  // in the orphan file
  uint32_t recorded_next_orphan() const { return recorded_delete_time_; }

  Data& data() const { return *data_; }
  // Frees what lies behind disk_size(), of a file that is on record as an orphan, so that a crash
  // between two handles leaves nothing. The map lock is not held.
  Result<> free_blocks_behind();
  // Frees the blocks of [first, end), under as many handles as that takes.
  Result<> remove_blocks(uint32_t first, uint32_t end);

  // --- What kernel::Inode asks.
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
  StringView immutable_link() const override { return link_target_.view(); }
  MemoryObject* contents() override;
  Result<> set_attributes(const AttributeChange& change) override;
  Result<> allocate(uint32_t mode, uint64_t start, uint64_t length) override;
  Result<> synchronise(bool data_only) override;
  Result<String> get_xattr(StringView name) override;
  Result<> set_xattr(StringView name, StringView value, uint32_t flags) override;
  Result<> remove_xattr(StringView name) override;
  Result<String> list_xattrs() override;
  Result<int64_t> ioctl(File& file, uint32_t request, uint64_t argument) override;
  void attributes_changed() override;
  void evict() override;

 private:
  friend class NodeTable;
  Node(Volume& volume, FileType type, uint32_t number, uint16_t mode);
  // From the inode table; not in the node table yet.
  static Result<Ref<Node>> load(Volume& volume, uint32_t number);
  Result<> parse(const Place& place);
  Result<> load_contents();
  Result<> load_link();
  bool is_fast_link() const;
  bool has_block_map() const;
  void set_checksum_seed();
  void fill(DiskInode& disk) REQUIRES(map_lock);
  Result<> init_symlink(Handle& handle, StringView target);
  Result<> set_size(uint64_t size);
  Result<> shrink(uint64_t size);
  Result<> grow(uint64_t size);
  Result<> zero_written(uint64_t start, uint64_t end);
  Result<> delete_from_disk();
  Result<> drop_xattr_block(Handle& handle);
  // ioctl.cc
  void apply_flags();
  Result<> change_flags(File& file, uint32_t wanted);
  Result<int64_t> map_extents(UserAddr address);
  // names.cc
  Result<Ref<Inode>> create_once(StringView name, const CreateParameters& parameters);
  Result<> link_once(StringView name, Node& target);
  Result<> rename_once(StringView old_name, Node& target, Node& to, StringView new_name,
                       Node* replaced);
  Result<> exchange_once(StringView old_name, Node& target, Node& to, StringView new_name,
                         Node& other);
  Result<> adopt_directory(Handle& handle, Node& child, Node& from);
  void change_directory_links(int32_t change);
  Result<> store_named(Handle& handle, bool contents_changed);
  // fallocate.cc
  Result<> preallocate(uint64_t start, uint64_t end, bool keep_size);
  Result<> punch_hole(uint64_t start, uint64_t end);
  Result<> zero_range(uint64_t start, uint64_t end, bool keep_size);
  Result<> collapse_range(uint64_t start, uint64_t end);
  Result<> insert_range(uint64_t start, uint64_t length);
  Result<> write_out_from(uint64_t start);
  Result<> move_extents(uint32_t first, int64_t distance);
  Result<> record_size(uint64_t size);

  uint32_t generation_ = 0;
  uint32_t checksum_seed_ = 0;
  Atomic<uint32_t> flags_;
  uint16_t extra_size_ = 0;
  uint32_t project_ = 0;
  uint32_t recorded_delete_time_ = 0;  // as it was read
  uint32_t delete_time_ = 0;           // map_lock
  uint64_t xattr_block_ = 0;           // inode lock, and map_lock to change it
  alignas(8) uint8_t block_map_[kBlockMapBytes] = {};
  Atomic<uint64_t> disk_size_;
  Atomic<uint64_t> sectors_;      // of 512 bytes, that it has on the disk
  Atomic<bool> dirty_;            // newer in memory than in the inode table
  Atomic<uint64_t> last_change_;  // transaction that fsync(2) waits for
  bool is_discarded_ = false;     // its end touches nothing
  Optional<Ref<Data>> data_;      // of a regular file
  String link_target_;
};

}  // namespace kernel::ext4
