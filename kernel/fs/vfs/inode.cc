// SPDX-License-Identifier: MIT
// What every inode has: attributes, times, and the answers of one that lacks an operation.

#include "fs/vfs/inode.h"

#include "fs/vfs/file_locks.h"
#include "fs/vfs/path.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/open.h"
#include "sched/clock.h"

namespace kernel {

uint32_t type_bits(FileType type) {
  switch (type) {
    case FileType::Regular: return 0100000;
    case FileType::Directory: return 0040000;
    case FileType::Symlink: return 0120000;
    case FileType::CharDevice: return 0020000;
    case FileType::BlockDevice: return 0060000;
    case FileType::Fifo: return 0010000;
    case FileType::Socket: return 0140000;
    case FileType::Anonymous: return 0;
  }
  return 0;
}

std::optional<FileType> type_of_mode(uint32_t mode) {
  constexpr uint32_t kTypeMask = 0170000;
  for (FileType type :
       {FileType::Regular, FileType::Directory, FileType::Symlink, FileType::CharDevice,
        FileType::BlockDevice, FileType::Fifo, FileType::Socket}) {
    if (type_bits(type) == (mode & kTypeMask)) return type;
  }
  return std::nullopt;
}

// 12 bits of major, 20 of minor, the minor's low byte in front: what stat shows.
uint64_t DeviceNumber::encode() const {
  return (minor & 0xff) | (uint64_t{major & 0xfff} << 8) | (uint64_t{minor & ~0xffu} << 12);
}

Timestamp now() {
  Nanoseconds time = clock::realtime();
  return {static_cast<int64_t>(time / kNanosPerSecond),
          static_cast<uint32_t>(time % kNanosPerSecond)};
}

Inode::Inode(SuperBlock& super_block, FileType type, uint64_t number, uint16_t mode)
    : super_block_(&super_block), type_(type), number_(number), mode_(mode) {
  access_ = modify_ = change_ = birth_ = now();
}

Inode::~Inode() {
  delete locks.load_relaxed();
  if (InodeWatches* of_this = watches.load_relaxed()) notify::forget_watches(*of_this);
}

uint64_t Inode::size() {
  MemoryObject* object = contents();
  return object == nullptr ? 0 : object->size();
}

InodeAttributes Inode::attributes() {
  InodeAttributes result;
  result.number = number_;
  result.mode = mode();
  result.links = links();
  result.uid = uid();
  result.gid = gid();
  result.size = size();
  result.device = device_;
  MemoryObject* object = contents();
  if (object != nullptr) result.blocks = object->resident_pages() * (kPageSize / 512);
  Guard guard(attribute_lock);
  result.access = access_;
  result.modify = modify_;
  result.change = change_;
  result.birth = birth_;
  return result;
}

bool Inode::is_believed(uint32_t name_hash) const {
  return believed_name_.load_relaxed() == name_hash &&
         clock::monotonic() < believed_until_.load_relaxed();
}

// Short enough for nobody to notice, long enough for a program that works its way through a tree by
// long paths.
void Inode::believe(uint32_t name_hash) {
  constexpr Nanoseconds kMoment = 50'000'000;
  if (!is_directory()) return;
  believed_name_.store_relaxed(name_hash);
  believed_until_.store_relaxed(clock::monotonic() + kMoment);
}

Result<Ref<Inode>> Inode::lookup(StringView) { return Errno::NotDir; }
Result<Ref<Inode>> Inode::create(StringView, const CreateParameters&) { return Errno::Perm; }
Result<Ref<Inode>> Inode::create_unnamed(const CreateParameters&) { return Errno::OpNotSupp; }
Result<> Inode::link(StringView, Inode&) { return Errno::Perm; }
Result<> Inode::unlink(StringView, Inode&) { return Errno::Perm; }
Result<> Inode::remove_directory(StringView, Inode&) { return Errno::Perm; }
Result<> Inode::rename(StringView, Inode&, Inode&, StringView, Inode*, bool) { return Errno::Perm; }
Result<> Inode::read_directory(uint64_t, DirectorySink&) { return Errno::NotDir; }
Result<String> Inode::read_link() {
  if (immutable_link().empty()) return Errno::Inval;
  return String::create(immutable_link());
}
Result<Path> Inode::magic_target() { return Errno::NoEnt; }
Result<> Inode::allocate(uint32_t, uint64_t, uint64_t) { return Errno::OpNotSupp; }
Result<String> Inode::get_xattr(StringView) { return Errno::OpNotSupp; }
Result<> Inode::set_xattr(StringView, StringView, uint32_t) { return Errno::OpNotSupp; }
Result<> Inode::remove_xattr(StringView) { return Errno::OpNotSupp; }
Result<String> Inode::list_xattrs() { return String(); }
Result<> Inode::synchronise(bool) {
  MemoryObject* object = contents();
  return object == nullptr ? Result<>() : object->write_back(0, kMaxFileSize);
}
Result<int64_t> Inode::ioctl(File&, uint32_t, uint64_t) { return Errno::NoTty; }
Result<Ref<File>> Inode::open(const Path& path, uint32_t flags) {
  return vfs::open_by_type(path, flags);
}

Result<> Inode::set_attributes(const AttributeChange& change) {
  if (change.size.has_value()) return Errno::Inval;
  Guard guard(attribute_lock);
  if (change.mode) set_mode(*change.mode);
  if (change.uid) uid_.store_relaxed(*change.uid);
  if (change.gid) gid_.store_relaxed(*change.gid);
  if (change.access) access_ = *change.access;
  if (change.modify) modify_ = *change.modify;
  change_ = now();
  access_noted_until_.store_relaxed(0);
  return {};
}

void Inode::touch(bool access, bool modify, bool change) {
  Timestamp time = now();
  {
    Guard guard(attribute_lock);
    if (access) access_ = time;
    if (modify) modify_ = time;
    if (change) change_ = time;
    access_noted_until_.store_relaxed(0);
  }
  attributes_changed();
}

// relatime, the default of mount(2): once behind each change, and once a day.
void Inode::note_access(const Mount& mount) {
  if (immutable_contents || is_restricted(kRestrictNoAtime)) return;
  Nanoseconds present = clock::monotonic();
  if (present < access_noted_until_.load_relaxed()) return;
  if (mount.read_only() || mount.has(kMountNoAtime)) return;
  if (is_directory() && mount.has(kMountNoDirAtime)) return;
  if (note_access_at(present, mount.has(kMountStrictAtime))) attributes_changed();
}

// True when the time was due.
bool Inode::note_access_at(Nanoseconds present, bool strict) {
  constexpr int64_t kDay = 24 * 60 * 60;
  Timestamp time = now();
  Guard guard(attribute_lock);
  bool due = strict || access_ <= modify_ || access_ <= change_ ||
             time.seconds - access_.seconds >= kDay;
  if (due) access_ = time;
  // A strict mount writes each time; else nothing is due before a change or a day has passed. When
  // the time just written equals that of a change, Linux writes again: so do we.
  if (!strict && access_ > modify_ && access_ > change_) {
    access_noted_until_.store_relaxed(present + uint64_t{kDay} * kNanosPerSecond / 2);
  }
  return due;
}

}  // namespace kernel
