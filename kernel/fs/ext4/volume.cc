// SPDX-License-Identifier: MIT
// What a mounted volume is asked: handles, statistics, synchronising. Mounting and unmounting are
// in mount.cc, damage in errors.cc. See volume.h.

#include "fs/ext4/volume.h"

#include "fs/ext4/node.h"

namespace kernel::ext4 {

constexpr uint64_t kStatisticsMagic = 0xef53;
constexpr unsigned kMaxRetries = 3;

Ref<Inode> Volume::root() { return Ref<Inode>(*root_); }

Result<Ref<Node>> Volume::node(uint32_t number) { return nodes_.get(number); }

Result<Handle> Volume::start(unsigned credits, unsigned revokes) {
  if (read_only()) return Errno::RoFs;
  return journal_->start(credits, revokes);
}

bool Volume::should_retry(unsigned attempt) {
  if (attempt >= kMaxRetries || !blocks_.has_pending()) return false;
  // A caller that holds a handle cannot wait for a commit; it never has freed so much.
  if (journal_->current_handle() != nullptr) return false;
  return journal_->commit_now().ok();
}

FileSystemStatistics Volume::statistics() {
  FileSystemStatistics result;
  result.type = kStatisticsMagic;
  result.block_size = geometry_.block_size;
  result.blocks = geometry_.blocks > overhead_ ? geometry_.blocks - overhead_ : 0;
  result.free_blocks = groups_.total_free_blocks();
  result.available_blocks = blocks_.available();
  result.files = geometry_.inodes;
  result.free_files = groups_.total_free_inodes();
  uint64_t halves[2];
  __builtin_memcpy(halves, geometry_.uuid, sizeof halves);
  result.id = halves[0] ^ halves[1];
  result.name_limit = kMaxName;
  return result;
}

Result<> Volume::synchronise() {
  if (read_only()) return {};
  Result<> written = write_back_group_.synchronise();
  Result<> stored = nodes_.store_dirty();
  record_errors();
  TRY(journal_->commit_now());
  TRY(std::move(written));
  return stored;
}

void Volume::show_options(FormatSink& sink) { ext4::show_options(options_, sink); }

// --- The superblock ------------------------------------------------------------------------

Result<Ref<Buffer>> Volume::super_buffer() {
  return buffers_->read(geometry_.block_size == 1024 ? 1 : 0);
}

void Volume::seal_super(Handle& handle, Buffer& buffer) {
  DiskSuper& super = super_in(buffer);
  if (geometry_.has_metadata_checksums()) super.checksum = super_checksum(super);
  handle.dirty(buffer);
}

// Counts are kept by the groups; the superblock's are for those who look at an unmounted volume.
void Volume::fill_counts(DiskSuper& super) {
  uint64_t free = groups_.total_free_blocks();
  super.free_blocks_low = static_cast<uint32_t>(free);
  if (geometry_.has_incompatible(kIncompat64Bit))
    super.free_blocks_high = static_cast<uint32_t>(free >> 32);
  super.free_inodes = static_cast<uint32_t>(groups_.total_free_inodes());
  auto present = static_cast<uint64_t>(now().seconds);
  super.write_time = static_cast<uint32_t>(present);
  super.write_time_high = static_cast<uint8_t>(present >> 32);
}

Result<> Volume::require_read_only_feature(Handle& handle, uint32_t feature) {
  if (geometry_.has_read_only(feature)) return {};
  Guard guard(super_lock_);
  if (geometry_.has_read_only(feature)) return {};
  TRY(edit_super(handle, [&](DiskSuper& super) { super.read_only_compatible |= feature; }));
  geometry_.read_only_compatible |= feature;
  return {};
}

}  // namespace kernel::ext4
