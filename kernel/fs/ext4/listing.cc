// SPDX-License-Identifier: MIT
// Listing a directory, so that a position stays good whatever is added and removed meanwhile. With
// the dir_index feature names come in the order of their hashes, and a position is a hash: splits
// of leaves do not matter. Without it a position is a byte in the directory.

#include "fs/ext4/directory.h"
#include "fs/ext4/directory_hash.h"
#include "fs/ext4/hash_tree.h"
#include "fs/ext4/inline_data.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4::directory {
namespace {

constexpr uint64_t kFirstPosition = 2;  // the vfs layer's "." and ".." come before

struct Listed {
  uint64_t position;
  const DiskEntry* entry;
};

class Listing : public Pinned {
 public:
  Listing(Node& dir, uint64_t position, DirectorySink& sink)
      : dir_(dir), position_(position), sink_(sink) {}

  // By hash: those of a leaf at or behind the position. False: the caller's buffer is full.
  Result<bool> sorted(std::span<const Entries> pieces, const HashTree* tree);
  // By byte: `base` is where the piece lies in the directory.
  bool in_place(const Entries& entries, uint64_t base);

 private:
  bool emit(const Entries& entries, const DiskEntry& entry, uint64_t behind) {
    return sink_.entry(entries.name(entry), entry.inode, entries.type(entry), behind);
  }
  static bool is_listed(const Entries& entries, const DiskEntry& entry) {
    return entry.inode != 0 && !Entries::is_dot_or_dot_dot(entries.name(entry));
  }
  uint64_t position_of(const HashTree* tree, StringView name) const;

  Node& dir_;
  uint64_t position_;
  DirectorySink& sink_;
};

uint64_t Listing::position_of(const HashTree* tree, StringView name) const {
  NameHash hash;
  if (tree != nullptr) {
    std::optional<NameHash> hashed = tree->hash(name);
    if (hashed) hash = *hashed;
  } else {
    hash = default_hash(dir_.volume().geometry(), name);
  }
  uint64_t position = hash.position();
  return position < kFirstPosition ? kFirstPosition : position;
}

void sort(std::span<Listed> entries) {
  for (size_t gap = entries.size() / 2; gap != 0; gap /= 2) {
    for (size_t i = gap; i < entries.size(); ++i) {
      for (size_t j = i; j >= gap && entries[j - gap].position > entries[j].position; j -= gap)
        std::swap(entries[j - gap], entries[j]);
    }
  }
}

Result<bool> Listing::sorted(std::span<const Entries> pieces, const HashTree* tree) {
  Vector<Listed> listed;
  for (const Entries& entries : pieces) {
    for (DiskEntry* entry = entries.first(); entry != nullptr; entry = entries.next(*entry)) {
      if (!is_listed(entries, *entry)) continue;
      uint64_t position = position_of(tree, entries.name(*entry));
      if (position >= position_) TRY(listed.append({position, entry}));
    }
  }
  sort(listed.span());
  for (size_t i = 0; i < listed.size(); ++i) {
    // Where names collide a listing that is interrupted between them repeats some.
    bool collides = i + 1 < listed.size() && listed[i + 1].position == listed[i].position;
    uint64_t behind = collides ? listed[i].position : listed[i].position + 1;
    if (!emit(pieces[0], *listed[i].entry, behind)) return false;
  }
  return true;
}

bool Listing::in_place(const Entries& entries, uint64_t base) {
  for (DiskEntry* entry = entries.first(); entry != nullptr; entry = entries.next(*entry)) {
    uint64_t at = base + entries.offset(*entry);
    if (at < position_ || !is_listed(entries, *entry)) continue;
    if (!emit(entries, *entry, at + entry->length)) return false;
  }
  return true;
}

Result<> list_tree(Node& dir, uint64_t position, Listing& listing) {
  HashTree tree(dir);
  TRY(tree.seek(NameHash{static_cast<uint32_t>(position >> 32) << 1, 0}));
  for (;;) {
    std::optional<Leaf> leaf = TRY(read_leaf(dir, tree.leaf_block()));
    if (!leaf)
      return dir.volume().corrupted(dir.disk_number(), "inode {}: bad directory index",
                                    dir.disk_number());
    if (!TRY(listing.sorted({&leaf->entries, 1}, &tree))) return {};
    if (!TRY(tree.next())) return {};
  }
}

}  // namespace

Result<> list(Node& dir, uint64_t position, DirectorySink& sink) {
  Listing listing(dir, position, sink);
  const Geometry& geometry = dir.volume().geometry();
  bool by_hash = geometry.has_compatible(kCompatDirIndex);
  if (dir.has_inline_data()) {
    inline_data::Pieces pieces = TRY(inline_data::entries(dir));
    if (by_hash) return listing.sorted(pieces.span(), nullptr).ok() ? Result<>() : Errno::NoMem;
    if (listing.in_place(pieces.first, inline_data::kFirstEntry))
      listing.in_place(pieces.second, kBlockMapBytes);
    return {};
  }
  if (has_index(dir)) return list_tree(dir, position, listing);
  uint32_t count = block_count(dir);
  if (by_hash && count == 1) {
    std::optional<Leaf> leaf = TRY(read_leaf(dir, 0));
    if (leaf) TRY(listing.sorted({&leaf->entries, 1}, nullptr));
    return {};
  }
  for (auto logical = static_cast<uint32_t>(position >> geometry.block_shift); logical < count;
       ++logical) {
    std::optional<Leaf> leaf = TRY(read_leaf(dir, logical));
    if (leaf && !listing.in_place(leaf->entries, uint64_t{logical} << geometry.block_shift))
      return {};
  }
  return {};
}

}  // namespace kernel::ext4::directory
