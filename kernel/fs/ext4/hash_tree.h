// SPDX-License-Identifier: MIT
// The index of a directory ("htree"): blocks of (hash, block) pairs, sorted, over leaves with
// entries. The first block is the root, and looks like a block with "." and ".." to those who do
// not know the index; the other index blocks look like unused entries.
//
//   block 0: . | .. | version, levels | limit, count, block | hash, block | …
//   index:   unused entry             | limit, count, block | hash, block | …
//   leaf:    entries whose hashes are at least the one above, and less than the next
//
// An odd hash in the index says that entries of that (even) hash are in the block before, too.
#pragma once

#include "fs/ext4/directory.h"
#include "fs/ext4/directory_hash.h"

namespace kernel::ext4 {

class HashTree : public Pinned {
 public:
  explicit HashTree(Node& dir) : dir_(dir) {}

  // The leaf for a name, or for a hash.
  Result<> seek(StringView name);
  Result<> seek(NameHash hash);
  uint32_t leaf_block() const;
  // Goes to the next leaf if it may have more entries of the hash that was sought.
  Result<bool> next_with_same_hash();
  // Goes to the next leaf, whatever is in it. The hash at which it begins; nothing behind the last.
  Result<std::optional<uint32_t>> next();

  Result<> open_root();
  Buffer& root() { return *frames_[0].buffer; }
  void root_changed(Handle& handle) { changed(handle, frames_[0]); }
  std::optional<NameHash> hash(StringView name) const;

  // A full directory of one block gets an index.
  static Result<> create(Handle& handle, Node& dir);
  static Result<> add(Handle& handle, Node& dir, StringView name, uint32_t inode, FileType type);

 private:
  static constexpr unsigned kMaxLevels = 1;  // below the root; 2 with the feature large_dir

  struct Frame {
    Optional<Ref<Buffer>> buffer;
    DiskHashEntry* entries = nullptr;
    unsigned at = 0;
    DiskHashCount& counts() const { return *reinterpret_cast<DiskHashCount*>(entries); }
  };
  Errno bad() const;
  uint16_t limit_of(bool is_root) const;
  Result<> enter(unsigned level, uint32_t block);
  Result<> check(Frame& frame, bool is_root);
  uint32_t checksum(const Frame& frame) const;
  DiskHashTail& tail(const Frame& frame) const;
  void changed(Handle& handle, Frame& frame);
  bool has_checksums() const;
  Result<bool> advance(uint32_t& hash);

  Result<> make_room(Handle& handle);
  Result<> add_level(Handle& handle);
  Result<> split_index(Handle& handle);
  Result<Frame> make_index_block(Handle& handle, uint32_t& logical);
  static void insert_behind(Frame& frame, uint32_t hash, uint32_t block);
  Result<> split_leaf(Handle& handle, Leaf& leaf, StringView name, uint32_t inode, FileType type);

  Node& dir_;
  unsigned version_ = 0;
  unsigned levels_ = 0;
  uint32_t wanted_ = 0;  // hash that was sought
  Frame frames_[kMaxLevels + 1];
};

}  // namespace kernel::ext4
