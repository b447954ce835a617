// SPDX-License-Identifier: MIT
// A node from and to its place in the inode table.

#include "fs/ext4/extents.h"
#include "fs/ext4/inline_data.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "fs/ext4/xattr.h"
#include "lib/crc32c.h"
#include "task/file_capabilities.h"

namespace kernel::ext4 {
namespace {

constexpr uint32_t kTypeMask = 0170000;

std::optional<FileType> type_of_mode(uint32_t mode) {
  for (FileType type :
       {FileType::Regular, FileType::Directory, FileType::Symlink, FileType::CharDevice,
        FileType::BlockDevice, FileType::Fifo, FileType::Socket}) {
    if ((mode & kTypeMask) == type_bits(type)) return type;
  }
  return std::nullopt;
}

std::span<const uint8_t> bytes_of(const uint32_t& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

bool has_high_checksum(const DiskInode& disk, size_t inode_size) {
  return inode_size > kOldInodeSize &&
         fits_in_extra(offsetof(DiskInode, checksum_high) + 2, disk.extra_size);
}

uint32_t compute_checksum(uint32_t seed, const uint8_t* bytes, size_t size) {
  auto& disk = *reinterpret_cast<const DiskInode*>(bytes);
  static constexpr uint8_t kZeros[2] = {};
  constexpr size_t kLow = offsetof(DiskInode, checksum_low);
  constexpr size_t kHigh = offsetof(DiskInode, checksum_high);
  uint32_t crc = crc32c(seed, {bytes, kLow});
  crc = crc32c(crc, kZeros);
  crc = crc32c(crc, {bytes + kLow + 2, kOldInodeSize - kLow - 2});
  if (size == kOldInodeSize) return crc;
  crc = crc32c(crc, {bytes + kOldInodeSize, kHigh - kOldInodeSize});
  size_t behind = kHigh;
  if (has_high_checksum(disk, size)) {
    crc = crc32c(crc, kZeros);
    behind += 2;
  }
  return crc32c(crc, {bytes + behind, size - behind});
}

// Seconds of 34 bits: a signed word, and two bits more in `extra` beside the nanoseconds.
Timestamp read_time(uint32_t low, const uint32_t* extra) {
  Timestamp time{static_cast<int32_t>(low), 0};
  if (extra == nullptr) return time;
  time.seconds += int64_t{*extra & 3} << 32;
  time.nanoseconds = *extra >> 2;
  if (time.nanoseconds >= kNanosPerSecond) time.nanoseconds = 0;
  return time;
}

void write_time(const Timestamp& time, uint32_t& low, uint32_t* extra) {
  low = static_cast<uint32_t>(time.seconds);
  if (extra == nullptr) return;
  int64_t above = time.seconds - static_cast<int32_t>(low);
  *extra = static_cast<uint32_t>(above >> 32 & 3) | time.nanoseconds << 2;
}

template <class Field>
Field* if_fits(const DiskInode& disk, Field& field, size_t extra_size) {
  auto end = static_cast<size_t>(reinterpret_cast<const uint8_t*>(&field + 1) -
                                 reinterpret_cast<const uint8_t*>(&disk));
  return fits_in_extra(end, extra_size) ? &field : nullptr;
}

// As write_device() in node_create.cc writes it.
DeviceNumber read_device(const uint8_t* map) {
  uint32_t words[2];
  __builtin_memcpy(words, map, sizeof words);
  if (words[0] != 0) return {words[0] >> 8 & 0xff, words[0] & 0xff};
  return DeviceNumber::decode(words[1]);
}

}  // namespace

namespace {

// In its group's inode table.
uint64_t offset_in_table(const Geometry& geometry, uint32_t number) {
  return uint64_t{(number - 1) % geometry.inodes_per_group} * geometry.inode_size;
}

// Inodes that were made together are asked for together: when one is not in memory, neither are
// those around it. As far as the table was ever used. Not before the journal is there: its recovery
// changes what is in memory, and must not be overtaken by a read.
void read_table_ahead(Volume& volume, uint32_t number) {
  if (!volume.has_journal()) return;
  constexpr uint64_t kBlocks = 32;  // as Linux
  const Geometry& geometry = volume.geometry();
  uint32_t group = geometry.group_of_inode(number);
  uint64_t table = volume.groups().inode_table(group);
  uint64_t first = offset_in_table(geometry, number) >> geometry.block_shift;
  if (volume.buffers().find(table + first)) return;
  first = align_down(first, kBlocks);
  uint64_t end = 0;
  {
    Guard guard(volume.groups().lock);
    uint64_t used = geometry.inodes_per_group - volume.groups().unused_inodes(group);
    end = (used * geometry.inode_size + geometry.block_size - 1) >> geometry.block_shift;
  }
  if (end > first + kBlocks) end = first + kBlocks;
  if (first < end) volume.buffers().read_ahead(table + first, static_cast<uint32_t>(end - first));
}

}  // namespace

Result<Node::Place> Node::place_of(Volume& volume, uint32_t number) {
  const Geometry& geometry = volume.geometry();
  uint32_t group = geometry.group_of_inode(number);
  uint64_t offset = offset_in_table(geometry, number);
  uint64_t block = volume.groups().inode_table(group) + (offset >> geometry.block_shift);
  Ref<Buffer> buffer = TRY(volume.buffers().read(block));
  uint8_t* bytes = buffer->data() + (offset & (geometry.block_size - 1));
  return Place{std::move(buffer), bytes};
}

Result<Ref<Node>> Node::load(Volume& volume, uint32_t number) {
  read_table_ahead(volume, number);
  Place place = TRY(place_of(volume, number));
  const DiskInode& disk = place.disk();
  std::optional<FileType> type = type_of_mode(disk.mode);
  if (!type) return volume.corrupted(number, "inode {}: bogus i_mode ({})", number, disk.mode);
  auto* made = new (std::nothrow) Node(volume, *type, number, disk.mode & kModeMask);
  if (made == nullptr) return Errno::NoMem;
  Ref<Node> node = Ref<Node>::adopt(*made);
  node->is_discarded_ = true;  // until it is known to be good
  TRY(node->parse(place));
  TRY(node->load_contents());
  node->is_discarded_ = false;
  return node;
}

Result<> Node::parse(const Place& place) {
  const Geometry& geometry = volume().geometry();
  const DiskInode& disk = place.disk();
  uint32_t number = disk_number();
  bool has_extra = geometry.inode_size > kOldInodeSize;
  extra_size_ = has_extra ? disk.extra_size : uint16_t{0};
  if (extra_size_ % 4 != 0 || kOldInodeSize + extra_size_ > geometry.inode_size)
    return volume().corrupted(number, "inode {}: bad extra_isize {}", number, extra_size_);
  generation_ = disk.generation;
  set_checksum_seed();
  if (geometry.has_metadata_checksums()) {
    uint32_t computed = compute_checksum(checksum_seed_, place.bytes, geometry.inode_size);
    uint32_t stored = disk.checksum_low;
    if (has_high_checksum(disk, geometry.inode_size)) {
      stored |= uint32_t{disk.checksum_high} << 16;
    } else {
      computed &= 0xffff;
    }
    if (stored != computed) {
      static_cast<void>(volume().corrupted(number, "inode {}: checksum invalid", number));
      return Errno::BadMsg;
    }
  }
  flags_.store_relaxed(disk.flags);
  apply_flags();
  constexpr uint32_t kRefused = kInodeEncrypt | kInodeVerity | kInodeCaseFold;
  if ((disk.flags & kRefused & (type_ == FileType::Symlink ? 0 : ~0u)) != 0)
    return volume().corrupted(number, "inode {}: unexpected flags {:x}", number, disk.flags);
  links_.store_relaxed(disk.links);
  set_owner(disk.uid_low | uint32_t{disk.uid_high} << 16,
            disk.gid_low | uint32_t{disk.gid_high} << 16);
  uint64_t size = disk.size_low;
  if (type_ != FileType::Directory) size |= uint64_t{disk.size_high} << 32;
  bool is_file = type_ == FileType::Regular;
  if (size > static_cast<uint64_t>(kMaxFileSize) ||
      (type_ == FileType::Directory && !has_inline_data() &&
       (size & (geometry.block_size - 1)) != 0) ||
      (!is_file && size > 0xffff'ffff))
    return volume().corrupted(number, "inode {}: bad i_size value: {}", number, size);
  disk_size_.store_relaxed(size);
  uint64_t blocks = disk.blocks_low;
  if (geometry.has_read_only(kReadOnlyHugeFile)) {
    blocks |= uint64_t{disk.blocks_high} << 32;
    if ((disk.flags & kInodeHugeFile) != 0) blocks <<= geometry.block_shift - 9;
  }
  sectors_.store_relaxed(blocks);
  xattr_block_ = disk.xattr_block_low;
  if (geometry.has_incompatible(kIncompat64Bit))
    xattr_block_ |= uint64_t{disk.xattr_block_high} << 32;
  if (xattr_block_ != 0 && !geometry.are_data_blocks(xattr_block_, 1))
    return volume().corrupted(number, "inode {}: bad extended attribute block {}", number,
                              xattr_block_);
  recorded_delete_time_ = disk.delete_time;
  __builtin_memcpy(block_map_, disk.block_map, kBlockMapBytes);
  if (has(kInodeExtents)) TRY(extents::check_root(*this));
  auto extra = [&](const uint32_t& field) {
    return has_extra ? if_fits(disk, field, extra_size_) : nullptr;
  };
  Guard guard(attribute_lock);
  access_ = read_time(disk.access_time, extra(disk.access_extra));
  modify_ = read_time(disk.modify_time, extra(disk.modify_extra));
  change_ = read_time(disk.change_time, extra(disk.change_extra));
  birth_ = {};
  if (const uint32_t* birth = extra(disk.birth_time))
    birth_ = read_time(*birth, extra(disk.birth_extra));
  if (const uint32_t* project = extra(disk.project)) project_ = *project;
  return {};
}

Result<> Node::init_map() {
  if (!has_extents()) {
    __builtin_memset(block_map_, 0, kBlockMapBytes);
  } else {
    extents::init_root(block_map_);
  }
  return {};
}

// What follows from the type.
Result<> Node::load_contents() {
  switch (type_) {
    case FileType::Regular: {
      auto* made = new (std::nothrow) Data(*this, volume().write_back_group());
      if (made == nullptr) return Errno::NoMem;
      data_ = Ref<Data>::adopt(*made);
      data_->set_size(disk_size());
      break;
    }
    case FileType::Symlink:
      TRY(load_link());
      break;
    case FileType::CharDevice:
    case FileType::BlockDevice:
      device_ = read_device(block_map_);
      break;
    default:
      break;
  }
  // An attribute in a block may be that one too; then the look is made when it matters.
  has_capabilities.store_relaxed(xattr_block_ != 0);
  if (xattr_block_ == 0 && extra_size_ != 0) {
    ReadGuard guard(map_lock);
    xattr::Area area = TRY(xattr::inode_area(*this, TRY(place())));
    std::optional<xattr::Name> name = xattr::split_name(kFileCapabilitiesName);
    if (name && area.find(name->index, name->rest) != nullptr) has_capabilities.store_relaxed(true);
  }
  return {};
}

// A short target lies where the block map would be.
Result<> Node::load_link() {
  size_t size = disk_size();
  if (size == 0 || size >= volume().geometry().block_size)
    return volume().corrupted(disk_number(), "inode {}: bad symlink size", disk_number());
  Vector<uint8_t> bytes;
  TRY(bytes.resize(size));
  if (has_inline_data()) {
    if (TRY(inline_data::read(*this, bytes.span())) != size) return Errno::Uclean;
  } else if (is_fast_link()) {
    __builtin_memcpy(bytes.data(), block_map_, size);
  } else {
    BlockRun run = TRY(block_map::find(*this, 0, 1));
    if (run.state != RunState::Written) return Errno::Uclean;
    Ref<Buffer> buffer = TRY(volume().buffers().read(run.physical));
    __builtin_memcpy(bytes.data(), buffer->data(), size);
  }
  StringView text(reinterpret_cast<const char*>(bytes.data()), size);
  if (text.find('\0') != StringView::npos) return Errno::Uclean;
  link_target_ = TRY(String::create(text));
  return {};
}

bool Node::is_fast_link() const {
  if (type_ != FileType::Symlink || has_inline_data() || disk_size() >= kBlockMapBytes)
    return false;
  uint64_t of_xattrs = xattr_block_ != 0 ? volume().geometry().block_size >> 9 : 0;
  return sectors_.load_relaxed() == of_xattrs;
}

void Node::set_checksum_seed() {
  uint32_t number = disk_number();
  checksum_seed_ =
      crc32c(crc32c(volume().geometry().checksum_seed, bytes_of(number)), bytes_of(generation_));
}

// --- Writing --------------------------------------------------------------------------------

Result<> Node::store(Handle& handle) {
  Guard guard(map_lock);
  return store_locked(handle);
}

Result<> Node::store_locked(Handle& handle) {
  Place here = TRY(place());
  TRY(handle.modify(*here.buffer));
  dirty_.store_relaxed(false);
  volume().nodes().note_clean(*this);
  fill(here.disk());
  const Geometry& geometry = volume().geometry();
  if (geometry.has_metadata_checksums()) {
    uint32_t crc = compute_checksum(checksum_seed_, here.bytes, geometry.inode_size);
    here.disk().checksum_low = static_cast<uint16_t>(crc);
    if (has_high_checksum(here.disk(), geometry.inode_size))
      here.disk().checksum_high = static_cast<uint16_t>(crc >> 16);
  }
  handle.dirty(*here.buffer);
  return {};
}

void Node::fill(DiskInode& disk) {
  const Geometry& geometry = volume().geometry();
  disk.mode = static_cast<uint16_t>(type_bits(type_) | mode());
  Uid owner = uid();
  Gid group = gid();
  disk.uid_low = static_cast<uint16_t>(owner);
  disk.uid_high = static_cast<uint16_t>(owner >> 16);
  disk.gid_low = static_cast<uint16_t>(group);
  disk.gid_high = static_cast<uint16_t>(group >> 16);
  disk.links = static_cast<uint16_t>(links());
  uint64_t size = disk_size();
  disk.size_low = static_cast<uint32_t>(size);
  disk.size_high = static_cast<uint32_t>(size >> 32);
  uint32_t flags = this->flags();
  uint64_t sectors = sectors_.load_relaxed();
  flags &= ~kInodeHugeFile;
  if (sectors >> 48 != 0) {
    flags |= kInodeHugeFile;
    sectors >>= geometry.block_shift - 9;
  }
  disk.blocks_low = static_cast<uint32_t>(sectors);
  disk.blocks_high = static_cast<uint16_t>(sectors >> 32);
  disk.flags = flags;
  disk.generation = generation_;
  disk.xattr_block_low = static_cast<uint32_t>(xattr_block_);
  disk.xattr_block_high = static_cast<uint16_t>(xattr_block_ >> 32);
  disk.delete_time = next_orphan != 0 ? next_orphan : delete_time_;
  __builtin_memcpy(disk.block_map, block_map_, kBlockMapBytes);
  bool has_extra = geometry.inode_size > kOldInodeSize;
  if (has_extra) disk.extra_size = extra_size_;
  auto extra = [&](uint32_t& field) {
    return has_extra ? if_fits(disk, field, extra_size_) : nullptr;
  };
  Guard guard(attribute_lock);
  write_time(access_, disk.access_time, extra(disk.access_extra));
  write_time(modify_, disk.modify_time, extra(disk.modify_extra));
  write_time(change_, disk.change_time, extra(disk.change_extra));
  if (uint32_t* birth = extra(disk.birth_time)) write_time(birth_, *birth, extra(disk.birth_extra));
  if (uint32_t* project = extra(disk.project)) *project = project_;
}

Result<> Node::store_if_dirty() {
  if (!is_dirty() || volume().read_only()) return {};
  Handle handle = TRY(volume().start(1));
  TRY(store(handle));
  note_change(handle);
  return {};
}

}  // namespace kernel::ext4
