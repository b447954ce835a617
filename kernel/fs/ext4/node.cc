// SPDX-License-Identifier: MIT
// A node's attributes, and its end. See node.h.

#include "fs/ext4/node.h"

#include "fs/ext4/volume.h"

namespace kernel::ext4 {

Node::Node(Volume& volume, FileType type, uint32_t number, uint16_t mode)
    : Inode(volume, type, number, mode) {}

Volume& Node::volume() const { return static_cast<Volume&>(*super_block_); }

uint64_t Node::allocation_goal() const {
  const Geometry& geometry = volume().geometry();
  // Files of one group spread over it a little.
  uint32_t group = geometry.group_of_inode(disk_number());
  uint32_t colour = geometry.blocks_in_group(group) / 16 * (disk_number() % 16);
  return geometry.group_start(group) + colour;
}

void Node::add_blocks(int32_t count) {
  int64_t sectors = int64_t{count} * (volume().geometry().block_size >> 9);
  sectors_.fetch_add_relaxed(static_cast<uint64_t>(sectors));
}

void Node::note_change(const Handle& handle) {
  // Transactions only grow, and whoever changes a node holds a handle of the newest.
  last_change_.store_relaxed(handle.transaction());
}

MemoryObject* Node::contents() { return data_.get(); }

uint64_t Node::size() { return data_ ? data_->size() : disk_size(); }

InodeAttributes Node::attributes() {
  InodeAttributes result = Inode::attributes();
  result.blocks = sectors_.load_relaxed();
  if (extra_size_ == 0) {
    for (Timestamp* time : {&result.access, &result.modify, &result.change}) time->nanoseconds = 0;
  }
  return result;
}

// The vfs layer has changed a time or a mode in memory; the disk follows at the next commit, or
// when somebody asks.
void Node::attributes_changed() {
  if (is_discarded_ || dirty_.load_relaxed()) return;
  dirty_.store_relaxed(true);
  volume().nodes().note_dirty(*this);
}

namespace {

// What the disk can hold: seconds of 32 bits with sign, or two bits more.
Timestamp clamped(Timestamp time, bool has_extra) {
  constexpr int64_t kLeast = -(int64_t{1} << 31);
  int64_t most = (has_extra ? int64_t{1} << 34 : int64_t{1} << 32) - 1 - (int64_t{1} << 31);
  if (time.seconds < kLeast) return {kLeast, 0};
  if (time.seconds > most) return {most, 0};
  if (!has_extra) time.nanoseconds = 0;
  return time;
}

}  // namespace

Result<> Node::set_attributes(const AttributeChange& change) {
  if (change.size) TRY(set_size(*change.size));
  AttributeChange rest = change;
  rest.size.reset();
  if (!rest.mode && !rest.uid && !rest.gid && !rest.access && !rest.modify) return {};
  if (rest.access) rest.access = clamped(*rest.access, extra_size_ != 0);
  if (rest.modify) rest.modify = clamped(*rest.modify, extra_size_ != 0);
  Handle handle = TRY(volume().start(1));
  TRY(Inode::set_attributes(rest));
  note_change(handle);
  return store(handle);
}

Result<> Node::synchronise(bool data_only) {
  Volume& owner = volume();
  Result<> written;
  if (data_) written = data_->write_back_all();
  if (!data_only) TRY(store_if_dirty());
  if (owner.journal().is_aborted()) return owner.read_only() && written.ok() ? written : Errno::Io;
  // Also what was written in place counts as there only behind the device's flush.
  jbd2::TransactionId last = last_change_.load_relaxed();
  if (last != 0) {
    TRY(owner.journal().commit_through(last));
  } else if (owner.options().barrier && !owner.device().read_only()) {
    TRY(owner.device().flush());
  }
  return written;
}

void Node::discard() {
  is_discarded_ = true;
  volume().nodes().remove(*this);
}

// --- The end ----------------------------------------------------------------------------------

bool Node::has_block_map() const {
  if (has_inline_data()) return false;
  if (type_ == FileType::Symlink) return !is_fast_link();
  return type_ == FileType::Regular || type_ == FileType::Directory;
}

// Nobody has it any more: without links it goes from the disk too, else what is newer in memory
// goes there.
void Node::evict() {
  if (is_discarded_) return;
  Volume& owner = volume();
  bool deleted = false;
  if (links() == 0 && !owner.read_only()) {
    Result<> result = delete_from_disk();
    deleted = result.ok();
    if (!deleted)
      log_warning("EXT4-fs ({}): inode {} stays an orphan", owner.name(), disk_number());
  } else {
    // Who was to be told of an error has closed the file.
    if (data_) ignore(data_->write_back_all());
    ignore(store_if_dirty());
  }
  if (data_) {
    if (owner.has_journal()) owner.journal().forget_ordered(*data_);
    data_->detach();
  }
  owner.blocks().close_window(window);
  if (deleted) return;  // out of the table already: its number may be somebody else's
  owner.orphans().forget(*this);
  owner.nodes().remove(*this);
}

Result<> Node::delete_from_disk() {
  Volume& owner = volume();
  if (data_) {
    data_->set_size(0);
    data_->truncate(0);
    owner.journal().forget_ordered(*data_);
  }
  {
    Handle handle = TRY(owner.start(6));
    TRY(owner.orphans().add(handle, *this));  // on record already, but for damage
    set_disk_size(0);
    TRY(store(handle));
  }
  if (has_block_map()) TRY(remove_blocks(0, block_map::kEnd));
  Handle handle = TRY(owner.start(14, 1));
  TRY(owner.orphans().remove(handle, *this));
  {
    Guard guard(map_lock);
    TRY(drop_xattr_block(handle));
    delete_time_ = static_cast<uint32_t>(now().seconds);
    // A clock that is not set: fsck takes what could be a number for a part of the orphans' chain.
    if (delete_time_ <= owner.geometry().inodes) delete_time_ = owner.geometry().inodes + 1;
    TRY(store_locked(handle));
  }
  owner.nodes().remove(*this);
  return owner.inodes().free(handle, disk_number(), is_directory());
}

}  // namespace kernel::ext4
