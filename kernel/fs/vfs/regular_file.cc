// SPDX-License-Identifier: MIT
// See regular_file.h; and O_PATH files.

#include "fs/vfs/regular_file.h"

#include "fs/vfs/identity.h"
#include "fs/vfs/in_parts.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/open.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

constexpr uint32_t kWriteProtection = 2;  // PROT_WRITE

}  // namespace

Result<size_t> RegularFile::read(IoBuffer& buffer, uint64_t offset) {
  MemoryObject* object = inode().contents();
  if (object == nullptr) return Errno::Inval;
  size_t total = TRY(vfs::read_in_parts(*object, buffer, offset));
  if ((flags() & kOpenNoAtime) == 0) inode().note_access(path().mount());
  return total;
}

Result<> RegularFile::limit_write(IoBuffer& buffer, uint64_t offset) {
  if (buffer.remaining() == 0) return {};
  uint64_t room = TRY(vfs::write_limit(offset));
  if (buffer.remaining() > room) buffer.truncate(room);
  return {};
}

// As far as the buffer is accessible, under the inode's lock. The size grows to what was written,
// so that a failure behind it leaves no zeros at the end.
Result<size_t> RegularFile::write_some(IoBuffer& buffer, uint64_t& offset) {
  Inode& node = inode();
  MemoryObject& object = *node.contents();
  Guard guard(node.lock);
  if ((flags() & kOpenAppend) != 0 || buffer.manner().append) offset = object.size();
  TRY(limit_write(buffer, offset));
  if (buffer.remaining() == 0) return size_t{0};
  uint64_t old_size = object.size();
  uint64_t wanted = offset + buffer.remaining();
  uint32_t seals = node.seals.load_relaxed();
  if ((seals & (kSealWrite | kSealFutureWrite)) != 0) return Errno::Perm;
  if ((seals & kSealGrow) != 0 && wanted > old_size) {
    // Page by page, as Linux writes: the whole pages below the end are.
    uint64_t end = align_down(old_size, kPageSize);
    if (end <= offset) return Errno::Perm;
    buffer.truncate(end - offset);
    wanted = end;
  }
  if (wanted > old_size) object.set_size(wanted);
  Result<size_t> moved = object.write(buffer, offset);
  uint64_t reached = offset + (moved.ok() ? *moved : 0);
  if (wanted > old_size && reached < wanted) {
    // Pages that were made and not filled go again.
    uint64_t size = reached > old_size && moved.ok() && *moved != 0 ? reached : old_size;
    object.set_size(size);
    object.truncate(size);
  }
  if (moved.ok() && *moved != 0) vfs::drop_privileges_locked(node);
  return moved;
}

Result<size_t> RegularFile::write(IoBuffer& buffer, uint64_t offset) {
  if (inode().contents() == nullptr) return Errno::Inval;
  auto some = [this](IoBuffer& part, uint64_t& at) { return write_some(part, at); };
  size_t total = TRY(vfs::write_in_parts(buffer, offset, some));
  if (total != 0) inode().touch(false, true, true);
  // O_SYNC and O_DSYNC.
  if (total != 0 && (flags() & kOpenDsync) != 0)
    TRY(inode().synchronise((flags() & kOpenSync) != kOpenSync));
  return total;
}

Result<uint64_t> RegularFile::seek(int64_t offset, Whence whence) {
  MemoryObject* object = inode().contents();
  uint64_t size = object == nullptr ? 0 : object->size();
  switch (whence) {
    case Whence::Set: break;
    case Whence::Current: return move_position(position_hint(), offset);
    case Whence::End: return move_position(size, offset);
    case Whence::Data:
    case Whence::Hole: {
      if (offset < 0 || static_cast<uint64_t>(offset) >= size) return Errno::NxIo;
      bool data = whence == Whence::Data;
      return move_position(TRY(object->seek(static_cast<uint64_t>(offset), data)), 0);
    }
  }
  return move_position(0, offset);
}

Result<Ref<MemoryObject>> RegularFile::memory_object(uint32_t protection, bool shared) {
  MemoryObject* object = inode().contents();
  if (object == nullptr) return Errno::NoDev;
  bool sealed = (inode().seals.load_relaxed() & (kSealWrite | kSealFutureWrite)) != 0;
  if (sealed && shared && (protection & kWriteProtection) != 0) return Errno::Perm;
  if ((flags() & kOpenNoAtime) == 0) inode().note_access(path().mount());
  return Ref<MemoryObject>(*object);
}

Result<> RegularFile::allocate(uint32_t mode, uint64_t start, uint64_t length) {
  Guard guard(inode().lock);
  return inode().allocate(mode, start, length);
}

namespace {

// O_PATH (open(2)): names a place; nothing can be read or written through it.
class PlaceFile final : public File {
 public:
  PlaceFile(Path path, uint32_t flags)
      : File(std::move(path), flags & (kOpenPath | kOpenDirectory | kOpenNoFollow)) {}
  Result<size_t> read(IoBuffer&, uint64_t) override { return Errno::BadF; }
  Result<size_t> write(IoBuffer&, uint64_t) override { return Errno::BadF; }
  uint32_t poll(PollRegistration*) override { return kPollNval; }
  Result<> synchronise(bool) override { return Errno::BadF; }
};

template <class T>
Result<Ref<File>> make_file(const Path& path, uint32_t flags) {
  Ref<T> file = TRY(make_ref<T>(path, flags));
  return Ref<File>(std::move(file));
}

}  // namespace

Result<Ref<File>> vfs::open_regular(const Path& path, uint32_t flags) {
  MemoryObject* object = path.inode().contents();
  if (object != nullptr && object->disk() != nullptr) return open_on_disk(path, flags);
  return make_file<RegularFile>(path, flags);
}
Result<Ref<File>> vfs::open_place(const Path& path, uint32_t flags) {
  return make_file<PlaceFile>(path, flags);
}

Result<uint64_t> vfs::write_limit(uint64_t offset) {
  uint64_t limit = acting_limit(Resource::FileSize);
  if (limit != kUnlimited && offset >= limit) {
    signal_self(Signal::Xfsz);
    return Errno::FBig;
  }
  if (offset >= kMaxFileSize) return Errno::FBig;
  uint64_t end = limit < kMaxFileSize ? limit : kMaxFileSize;
  return end - offset;
}

// A write takes set-user-ID and set-group-ID (where it means execution) away, unless CAP_FSETID;
// and capabilities, whoever writes.
void vfs::drop_privileges_locked(Inode& inode) {
  drop_capabilities_locked(inode);
  uint16_t mode = inode.mode();
  if ((mode & (kModeSetUid | kModeSetGid)) == 0 || inode.type() != FileType::Regular) return;
  if (acting_has(Capability::Fsetid)) return;
  auto kept = static_cast<uint16_t>(mode & ~kModeSetUid);
  if ((mode & 010) != 0) kept = static_cast<uint16_t>(kept & ~kModeSetGid);
  AttributeChange change;
  change.mode = kept;
  ignore(inode.set_attributes(change));  // the write has happened, whatever becomes of the bits
}

}  // namespace kernel
