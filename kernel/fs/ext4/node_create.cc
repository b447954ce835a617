// SPDX-License-Identifier: MIT
// New inodes. See node.h.

#include "fs/ext4/directory.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "sync/random.h"

namespace kernel::ext4 {

namespace {

// MKDEV of old: 8 bits each; and what came after it.
void write_device(uint8_t* map, DeviceNumber device) {
  bool is_old = device.major < 256 && device.minor < 256;
  uint32_t words[3] = {is_old ? device.major << 8 | device.minor : 0,
                       is_old ? 0 : static_cast<uint32_t>(device.encode()), 0};
  __builtin_memcpy(map, words, sizeof words);
}

// What a new inode has from its directory.
uint32_t inherited_flags(const Node& parent, FileType type) {
  constexpr uint32_t kInherited = kInodeSync | kInodeNoDump | kInodeNoAtime | kInodeDirSync |
                                  kInodeProjectInherit | kInodeNoTail | kInodeJournalData;
  uint32_t flags = parent.flags() & kInherited;
  if (type == FileType::Directory) return flags;
  if (type == FileType::Regular) return flags & ~(kInodeDirSync | kInodeProjectInherit);
  return flags & (kInodeNoDump | kInodeNoAtime);
}

}  // namespace

Result<Ref<Node>> Node::make(Handle& handle, Node& parent, const CreateParameters& parameters) {
  Volume& volume = parent.volume();
  const Geometry& geometry = volume.geometry();
  bool is_directory = parameters.type == FileType::Directory;
  uint32_t number = TRY(volume.inodes().allocate(handle, parent.disk_number(), is_directory));
  auto* made = new (std::nothrow) Node(volume, parameters.type, number, parameters.mode);
  if (made == nullptr) {
    ignore(volume.inodes().free(handle, number, is_directory));
    return Errno::NoMem;
  }
  Ref<Node> node = Ref<Node>::adopt(*made);
  node->links_.store_relaxed(is_directory ? 2 : 1);
  bool from_directory = volume.options().group_ids;
  node->set_owner(parameters.uid, from_directory ? parent.gid() : parameters.gid);
  node->device_ = parameters.device;
  random::fill({reinterpret_cast<uint8_t*>(&node->generation_), sizeof node->generation_});
  node->set_checksum_seed();
  node->extra_size_ = geometry.want_extra_size;
  if (parent.has(kInodeProjectInherit)) node->project_ = parent.project_;
  node->flags_.store_relaxed(inherited_flags(parent, parameters.type));
  node->apply_flags();
  volume.nodes().insert(*node);
  node->note_change(handle);
  return node;
}

Result<> Node::init(Handle& handle, Node& parent, const CreateParameters& parameters) {
  {
    Guard guard(map_lock);
    Place here = TRY(place());
    TRY(handle.modify(*here.buffer));
    __builtin_memset(here.bytes, 0, volume().geometry().inode_size);
    bool has_blocks =
        type_ == FileType::Regular || type_ == FileType::Directory ||
        (type_ == FileType::Symlink && parameters.symlink_target.size() >= kBlockMapBytes);
    if (has_blocks && volume().geometry().has_incompatible(kIncompatExtents))
      set_flag(kInodeExtents);
    if (has_blocks) TRY(init_map());
    if (type_ == FileType::CharDevice || type_ == FileType::BlockDevice)
      write_device(block_map_, device_);
    TRY(store_locked(handle));
  }
  switch (type_) {
    case FileType::Regular:
      return load_contents();
    case FileType::Directory:
      return directory::init(handle, *this, parent.disk_number());
    case FileType::Symlink:
      return init_symlink(handle, parameters.symlink_target);
    default:
      return {};
  }
}

Result<> Node::init_symlink(Handle& handle, StringView target) {
  uint32_t block_size = volume().geometry().block_size;
  if (target.size() >= block_size) return Errno::NameTooLong;
  link_target_ = TRY(String::create(target));
  Guard guard(map_lock);
  if (target.size() < kBlockMapBytes) {
    __builtin_memcpy(block_map_, target.data(), target.size());
  } else {
    block_map::Allocation wanted{0, 1};
    wanted.use = BlockUse::Metadata;
    BlockRun run = TRY(block_map::allocate_locked(handle, *this, wanted));
    Ref<Buffer> buffer = TRY(volume().buffers().fresh(run.physical));
    TRY(handle.create(*buffer));
    __builtin_memcpy(buffer->data(), target.data(), target.size());
    handle.dirty(*buffer);
  }
  set_disk_size(target.size());
  return store_locked(handle);
}

// It was made in vain: without links, and an orphan, so that its end deletes it.
void Node::abandon(Handle& handle) {
  links_.store_relaxed(0);
  // Without a record it is lost until fsck finds it, which is all that can be done then.
  ignore(volume().orphans().add(handle, *this));
  ignore(store(handle));
}

}  // namespace kernel::ext4
