// SPDX-License-Identifier: MIT
// The extended attributes of a node: in its inode while there is room, else in a block. A block
// that others share is copied before it changes.

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "fs/ext4/xattr.h"

namespace kernel::ext4 {
namespace {

constexpr uint32_t kCreateOnly = 1, kReplaceOnly = 2;

StringView text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The feature ea_inode: a value that lies in an inode of its own. Such volumes are read-only here.
Result<String> read_value_inode(Volume& volume, const DiskXattrEntry& entry) {
  constexpr uint32_t kLimit = 65536;
  if (entry.value_size > kLimit) return Errno::Uclean;
  Ref<Node> holder = TRY(volume.node(entry.value_inode));
  if (!holder->has(kInodeEaInode)) return Errno::Uclean;
  String value;
  unsigned shift = volume.geometry().block_shift;
  for (uint32_t at = 0; at < entry.value_size;) {
    BlockRun run = TRY(block_map::find(*holder, at >> shift, (at >> shift) + 1));
    if (run.state != RunState::Written) return Errno::Uclean;
    Ref<Buffer> buffer = TRY(volume.buffers().read(run.physical));
    uint32_t part = volume.geometry().block_size;
    if (part > entry.value_size - at) part = entry.value_size - at;
    TRY(value.append(text_of(buffer->bytes().first(part))));
    at += part;
  }
  return value;
}

Result<String> copy_value(Volume& volume, const xattr::Area& area, const DiskXattrEntry& entry) {
  if (entry.value_inode != 0) return read_value_inode(volume, entry);
  return String::create(text_of(area.value(entry)));
}

Result<> list_area(const xattr::Area& area, String& all) {
  if (!area.exists()) return {};
  for (DiskXattrEntry* entry = area.first(); entry != nullptr; entry = area.next(*entry)) {
    StringView prefix = xattr::prefix_of(entry->name_index);
    if (prefix.empty()) continue;
    TRY(all.append(prefix));
    TRY(all.append({entry->name, entry->name_length}));
    TRY(all.append('\0'));
  }
  return {};
}

// One change of a node's attributes, under a handle and the map lock. Whatever comes of it, the
// caller stores the node.
class XattrChange : public Pinned {
 public:
  XattrChange(Handle& handle, Node& node, xattr::Name name)
      : handle_(handle), node_(node), volume_(node.volume()), name_(name) {}

  Result<> open() {
    place_ = TRY(node_.place());
    own_ = TRY(xattr::inode_area(node_, *place_));
    if (node_.xattr_block() != 0) block_ = TRY(xattr::read_block(node_));
    return {};
  }
  bool is_in_inode() const { return own_.find(name_.index, name_.rest) != nullptr; }
  bool is_in_block() const {
    return block_ && xattr::block_area(*block_).find(name_.index, name_.rest) != nullptr;
  }
  Result<> remove() {
    if (is_in_inode()) {
      TRY(handle_.modify(*place_->buffer));
      own_.remove(name_.index, name_.rest);
    }
    return is_in_block() ? remove_from_block() : Result<>();
  }
  Result<> set(StringView value) {
    bool was_in_block = is_in_block();
    if (TRY(set_in_inode(value))) return was_in_block ? remove_from_block() : Result<>();
    TRY(set_in_block(value));
    if (is_in_inode()) own_.remove(name_.index, name_.rest);
    return {};
  }

 private:
  Result<bool> set_in_inode(StringView value);
  Result<> set_in_block(StringView value);
  Result<> remove_from_block();
  Result<Ref<Buffer>> own_block();
  Result<Ref<Buffer>> new_block();
  Result<> release_shared();

  Handle& handle_;
  Node& node_;
  Volume& volume_;
  xattr::Name name_;
  std::optional<Node::Place> place_;
  xattr::Area own_;
  Optional<Ref<Buffer>> block_;
};

Result<bool> XattrChange::set_in_inode(StringView value) {
  TRY(handle_.modify(*place_->buffer));
  if (!own_.exists()) own_ = xattr::init_inode_area(node_, *place_);
  if (!own_.exists()) return false;
  DiskXattrEntry* present = own_.find(name_.index, name_.rest);
  if (present == nullptr) return own_.add(name_.index, name_.rest, value, false);
  String old = TRY(copy_value(volume_, own_, *present));
  own_.remove(name_.index, name_.rest);
  if (own_.add(name_.index, name_.rest, value, false)) return true;
  own_.add(name_.index, name_.rest, old, false);  // its room is there
  return false;
}

Result<Ref<Buffer>> XattrChange::new_block() {
  BlockAllocator::Request request;
  request.goal = node_.allocation_goal();
  uint64_t block = TRY(volume_.blocks().allocate(handle_, request)).first;
  Ref<Buffer> buffer = TRY(volume_.buffers().fresh(block));
  TRY(handle_.create(*buffer));
  xattr::init_block(*buffer);
  node_.set_xattr_block(block);
  return buffer;
}

// One inode less uses the block.
Result<> XattrChange::release_shared() {
  TRY(handle_.modify(*block_));
  --xattr::header_of(*block_).references;
  xattr::block_changed(handle_, volume_, *block_);
  return {};
}

// A block that only this inode uses, with what it has now.
Result<Ref<Buffer>> XattrChange::own_block() {
  if (!block_) {
    Ref<Buffer> made = TRY(new_block());
    node_.add_blocks(1);
    return made;
  }
  if (xattr::header_of(*block_).references == 1) {
    TRY(handle_.modify(*block_));
    return block_.value();
  }
  Ref<Buffer> copy = TRY(new_block());
  __builtin_memcpy(copy->data(), block_->data(), copy->size());
  xattr::header_of(*copy).references = 1;
  TRY(release_shared());
  return copy;
}

Result<> XattrChange::set_in_block(StringView value) {
  bool fresh = !block_;
  Ref<Buffer> buffer = TRY(own_block());
  xattr::Area area = xattr::block_area(*buffer);
  String old;
  DiskXattrEntry* present = area.find(name_.index, name_.rest);
  bool replaces = present != nullptr;
  if (replaces) old = TRY(copy_value(volume_, area, *present));
  area.remove(name_.index, name_.rest);
  bool fits = area.add(name_.index, name_.rest, value, true);
  if (!fits && replaces) area.add(name_.index, name_.rest, old, true);
  xattr::block_changed(handle_, volume_, *buffer);
  if (fits) return {};
  if (fresh) {
    node_.set_xattr_block(0);
    node_.add_blocks(-1);
    uint64_t block = buffer->block();
    TRY(volume_.blocks().free(handle_, {block, 1}, BlockUse::Metadata));
  }
  return Errno::NoSpc;
}

Result<> XattrChange::remove_from_block() {
  Ref<Buffer> buffer = TRY(own_block());
  xattr::Area area = xattr::block_area(*buffer);
  area.remove(name_.index, name_.rest);
  xattr::block_changed(handle_, volume_, *buffer);
  if (!area.is_empty()) return {};
  uint64_t block = buffer->block();
  node_.set_xattr_block(0);
  node_.add_blocks(-1);
  return volume_.blocks().free(handle_, {block, 1}, BlockUse::Metadata);
}

}  // namespace

Result<String> Node::get_xattr(StringView full_name) {
  std::optional<xattr::Name> name = xattr::split_name(full_name);
  if (!name) return Errno::OpNotSupp;
  ReadGuard guard(map_lock);
  Guard shared(volume().xattr_lock);
  Place here = TRY(place());
  xattr::Area area = TRY(xattr::inode_area(*this, here));
  DiskXattrEntry* entry = area.find(name->index, name->rest);
  if (entry != nullptr) return copy_value(volume(), area, *entry);
  if (xattr_block_ == 0) return Errno::NoData;
  Ref<Buffer> block = TRY(xattr::read_block(*this));
  area = xattr::block_area(*block);
  entry = area.find(name->index, name->rest);
  if (entry == nullptr) return Errno::NoData;
  return copy_value(volume(), area, *entry);
}

Result<String> Node::list_xattrs() {
  String all;
  ReadGuard guard(map_lock);
  Guard shared(volume().xattr_lock);
  Place here = TRY(place());
  TRY(list_area(TRY(xattr::inode_area(*this, here)), all));
  if (xattr_block_ != 0) {
    Ref<Buffer> block = TRY(xattr::read_block(*this));
    TRY(list_area(xattr::block_area(*block), all));
  }
  return all;
}

// The inode, two blocks, and an allocation and a release with their bitmaps.
static constexpr unsigned kXattrCredits = 10;

Result<> Node::set_xattr(StringView full_name, StringView value, uint32_t flags) {
  std::optional<xattr::Name> name = xattr::split_name(full_name);
  if (!name) return Errno::OpNotSupp;
  return volume().with_retries([&]() -> Result<> {
    Handle handle = TRY(volume().start(kXattrCredits, 2));
    Guard guard(map_lock);
    Guard shared(volume().xattr_lock);
    XattrChange change(handle, *this, *name);
    TRY(change.open());
    bool present = change.is_in_inode() || change.is_in_block();
    if (present && (flags & kCreateOnly) != 0) return Errno::Exist;
    if (!present && (flags & kReplaceOnly) != 0) return Errno::NoData;
    Result<> result = change.set(value);
    note_change(handle);
    TRY(store_locked(handle));
    return result;
  });
}

Result<> Node::remove_xattr(StringView full_name) {
  std::optional<xattr::Name> name = xattr::split_name(full_name);
  if (!name) return Errno::OpNotSupp;
  Handle handle = TRY(volume().start(kXattrCredits, 2));
  Guard guard(map_lock);
  Guard shared(volume().xattr_lock);
  XattrChange change(handle, *this, *name);
  TRY(change.open());
  if (!change.is_in_inode() && !change.is_in_block()) return Errno::NoData;
  note_change(handle);
  Result<> removed = change.remove();
  TRY(store_locked(handle));
  return removed;
}

// The end of an inode.
Result<> Node::drop_xattr_block(Handle& handle) {
  if (xattr_block_ == 0) return {};
  Guard shared(volume().xattr_lock);
  Ref<Buffer> buffer = TRY(xattr::read_block(*this));
  uint64_t block = std::exchange(xattr_block_, 0);
  add_blocks(-1);
  if (xattr::header_of(*buffer).references > 1) {
    TRY(handle.modify(*buffer));
    --xattr::header_of(*buffer).references;
    xattr::block_changed(handle, volume(), *buffer);
    return {};
  }
  return volume().blocks().free(handle, {block, 1}, BlockUse::Metadata);
}

}  // namespace kernel::ext4
