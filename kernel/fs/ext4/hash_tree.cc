// SPDX-License-Identifier: MIT
// Reading of a directory's index. See hash_tree.h; changes are in hash_tree_change.cc.

#include "fs/ext4/hash_tree.h"

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "lib/crc32c.h"

namespace kernel::ext4 {

Errno HashTree::bad() const {
  return dir_.volume().corrupted(dir_.disk_number(), "inode {}: bad directory index",
                                 dir_.disk_number());
}

bool HashTree::has_checksums() const { return dir_.volume().geometry().has_metadata_checksums(); }

uint16_t HashTree::limit_of(bool is_root) const {
  size_t used = is_root ? kHashRootInfo + sizeof(DiskHashInfo) : kHashNodeCount;
  if (has_checksums()) used += sizeof(DiskHashTail);
  return static_cast<uint16_t>((dir_.volume().geometry().block_size - used) /
                               sizeof(DiskHashEntry));
}

DiskHashTail& HashTree::tail(const Frame& frame) const {
  return *reinterpret_cast<DiskHashTail*>(frame.entries + frame.counts().limit);
}

// Of what is in use, and of the tail with a checksum of zero.
uint32_t HashTree::checksum(const Frame& frame) const {
  auto* bytes = frame.buffer->data();
  auto used = static_cast<size_t>(
      reinterpret_cast<const uint8_t*>(frame.entries + frame.counts().count) - bytes);
  DiskHashTail blank{tail(frame).reserved, 0};
  uint32_t crc = crc32c(dir_.checksum_seed(), {bytes, used});
  return crc32c(crc, {reinterpret_cast<const uint8_t*>(&blank), sizeof blank});
}

void HashTree::changed(Handle& handle, Frame& frame) {
  if (has_checksums()) tail(frame).checksum = checksum(frame);
  handle.dirty(*frame.buffer);
}

Result<> HashTree::check(Frame& frame, bool is_root) {
  const DiskHashCount& counts = frame.counts();
  if (counts.limit != limit_of(is_root) || counts.count == 0 || counts.count > counts.limit)
    return bad();
  if (frame.buffer->verified() == kVerifiedIndex) return {};
  if (has_checksums() && tail(frame).checksum != checksum(frame)) {
    static_cast<void>(bad());
    return Errno::BadMsg;
  }
  frame.buffer->set_verified(kVerifiedIndex);
  return {};
}

Result<> HashTree::open_root() {
  Frame& frame = frames_[0];
  frame.buffer = TRY(directory::read_block(dir_, 0));
  uint8_t* bytes = frame.buffer->data();
  auto& info = *reinterpret_cast<const DiskHashInfo*>(bytes + kHashRootInfo);
  if (info.length != sizeof(DiskHashInfo) || info.version >= kHashUnsignedShift ||
      (info.flags & 1) != 0 || info.levels > kMaxLevels)
    return bad();
  frame.entries = reinterpret_cast<DiskHashEntry*>(bytes + kHashRootInfo + info.length);
  frame.at = 0;
  levels_ = info.levels;
  version_ = info.version;
  if (dir_.volume().geometry().unsigned_hash) version_ += kHashUnsignedShift;
  return check(frame, true);
}

std::optional<NameHash> HashTree::hash(StringView name) const {
  return hash_name(name, version_, dir_.volume().geometry().hash_seed);
}

Result<> HashTree::enter(unsigned level, uint32_t block) {
  Frame& frame = frames_[level];
  frame.buffer = TRY(directory::read_block(dir_, block));
  auto& entry = *reinterpret_cast<const DiskEntry*>(frame.buffer->data());
  if (block == 0 || entry.inode != 0 || entry.length != frame.buffer->size() ||
      entry.name_length != 0)
    return bad();
  frame.entries = reinterpret_cast<DiskHashEntry*>(frame.buffer->data() + kHashNodeCount);
  frame.at = 0;
  return check(frame, false);
}

uint32_t HashTree::leaf_block() const {
  const Frame& frame = frames_[levels_];
  return frame.entries[frame.at].block & 0x0fff'ffff;
}

Result<> HashTree::seek(StringView name) {
  TRY(open_root());
  std::optional<NameHash> sought = hash(name);
  if (!sought) return bad();
  return seek(*sought);
}

Result<> HashTree::seek(NameHash sought) {
  if (!frames_[0].buffer) TRY(open_root());
  wanted_ = sought.major;
  for (unsigned level = 0;; ++level) {
    Frame& frame = frames_[level];
    unsigned low = 1, high = frame.counts().count;  // the first entry with a higher hash
    while (low < high) {
      unsigned middle = (low + high) / 2;
      if (frame.entries[middle].hash <= wanted_) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    frame.at = low - 1;
    if (level == levels_) return {};
    TRY(enter(level + 1, frame.entries[frame.at].block & 0x0fff'ffff));
  }
}

// One leaf on; `hash` becomes what the index says of it.
Result<bool> HashTree::advance(uint32_t& hash) {
  unsigned level = levels_;
  while (frames_[level].at + 1 >= frames_[level].counts().count) {
    if (level == 0) return false;
    --level;
  }
  ++frames_[level].at;
  hash = frames_[level].entries[frames_[level].at].hash;
  while (level < levels_) {
    TRY(enter(level + 1, frames_[level].entries[frames_[level].at].block & 0x0fff'ffff));
    ++level;
  }
  return true;
}

Result<bool> HashTree::next_with_same_hash() {
  // Looked at before going there: most names end here.
  unsigned level = levels_;
  while (frames_[level].at + 1 >= frames_[level].counts().count) {
    if (level == 0) return false;
    --level;
  }
  uint32_t following = frames_[level].entries[frames_[level].at + 1].hash;
  if ((following & 1) == 0 || (following & ~1u) != wanted_) return false;
  return advance(following);
}

Result<std::optional<uint32_t>> HashTree::next() {
  uint32_t hash = 0;
  if (!TRY(advance(hash))) return std::optional<uint32_t>();
  return std::optional<uint32_t>(hash);
}

}  // namespace kernel::ext4
