// SPDX-License-Identifier: MIT
// Copy-up: before its first change a file of a lower layer is copied to the upper one, with its
// attributes. The copy is made in the work directory and moves to its place when it is whole.

#include "fs/overlay/inode.h"
#include "fs/overlay/whiteout.h"
#include "fs/vfs/vfs.h"

namespace kernel {
namespace {

constexpr size_t kPiece = 64 * 1024;

Result<> write_all(File& file, const uint8_t* from, size_t size, uint64_t offset) {
  IoBuffer buffer = IoBuffer::kernel(static_cast<const void*>(from), size);
  while (buffer.remaining() != 0) {
    size_t before = buffer.remaining();
    size_t moved = TRY(file.write(buffer, offset + (size - before)));
    if (moved == 0) return Errno::Io;
  }
  return {};
}

// Holes stay holes.
Result<> copy_data(File& from, File& to, uint64_t size) {
  Vector<uint8_t> piece;
  TRY(piece.resize(kPiece));
  MemoryObject& object = *from.inode().contents();
  for (uint64_t at = 0; at < size;) {
    Result<uint64_t> data = object.seek(at, true);
    if (data.failed_with(Errno::NxIo)) break;
    at = TRY(std::move(data));
    if (at >= size) break;
    uint64_t wanted = size - at < kPiece ? size - at : kPiece;
    size_t got = TRY(vfs::read_kernel(from, piece.data(), wanted, at));
    if (got == 0) break;
    TRY(write_all(to, piece.data(), got, at));
    at += got;
  }
  if (to.inode().size() < size) TRY(vfs::truncate(to, size));
  return {};
}

Result<> copy_contents(const Path& from, const Path& directory, StringView name, bool with_data) {
  vfs::OpenRequest reading{.flags = kOpenReadOnly | kOpenNoAtime,
                           .resolve = vfs::LookupFlags::EmptyPath};
  vfs::OpenRequest making{.flags = kOpenWriteOnly | kOpenCreate | kOpenExclusive, .mode = 0600};
  Ref<File> copy = TRY(vfs::open({.directory = &directory}, name, making));
  if (!with_data) return {};
  Ref<File> source = TRY(vfs::open({.directory = &from}, "", reading));
  TRY(copy_data(*source, *copy, from.inode().size()));
  // The name must not be on the disk before the data.
  return copy->synchronise(false);
}

Result<> copy_xattrs(Inode& from, Inode& to) {
  String names;
  {
    Guard guard(from.lock);
    names = TRY(from.list_xattrs());
  }
  for (StringView rest = names; !rest.empty();) {
    StringView name = rest.take_until('\0');
    if (name.starts_with(overlay::kXattrPrefix)) continue;
    String value;
    {
      Guard guard(from.lock);
      value = TRY(from.get_xattr(name));
    }
    Guard guard(to.lock);
    TRY(to.set_xattr(name, value, 0));
    if (from.has_capabilities.load_relaxed()) to.has_capabilities.store_relaxed(true);
  }
  return {};
}

Result<> copy_attributes(Inode& from, Inode& to) {
  TRY(copy_xattrs(from, to));
  InodeAttributes source = from.attributes();
  AttributeChange change;
  change.uid = source.uid;
  change.gid = source.gid;
  if (!from.is_symlink()) change.mode = source.mode;
  change.access = source.access;
  change.modify = source.modify;
  Guard guard(to.lock);
  return to.set_attributes(change);
}

Result<> set_times(Inode& inode, const InodeAttributes& times) {
  AttributeChange change;
  change.access = times.access;
  change.modify = times.modify;
  Guard guard(inode.lock);
  return inode.set_attributes(change);
}

}  // namespace

// The directories above first, from the top; one at a time, however long the path is.
Result<> OverlayInode::copy_up(Data data) {
  if (upper() != nullptr) return {};
  if (!overlay().has_upper()) return Errno::RoFs;
  while (upper() == nullptr) {
    OverlayInode* top = this;
    while (top->parent_->upper() == nullptr) top = top->parent_;
    TRY(top->copy_up_alone(top == this ? data : Data::Copied));
  }
  return {};
}

Result<> OverlayInode::copy_up_alone(Data data) {
  Guard guard(copy_lock_);
  if (upper() != nullptr) return {};
  if (links_.load_relaxed() == 0) return Errno::NoEnt;
  OverlayScope scope(overlay());
  String temporary = TRY(overlay().temporary_name());
  Result<> copied = copy_to_work(temporary, data);
  if (copied.ok()) return copied;
  vfs::Start work{.directory = &overlay().work()};
  ignore(is_directory() ? vfs::remove_directory(work, temporary) : vfs::unlink(work, temporary));
  return copied;
}

Result<> OverlayInode::copy_to_work(StringView temporary, Data data) {
  const Path& from = lowers_[0];
  const Path& work = overlay().work();
  vfs::Start start{.directory = &work};
  switch (type()) {
    case FileType::Directory: TRY(vfs::make_directory(start, temporary, 0700)); break;
    case FileType::Symlink: {
      String target = TRY(from.inode().read_link());
      TRY(vfs::symbolic_link(target, start, temporary));
      break;
    }
    case FileType::Regular:
      TRY(copy_contents(from, work, temporary, data == Data::Copied));
      break;
    default: TRY(vfs::make_node(start, temporary, type(), 0600, device())); break;
  }
  Path copy = TRY(vfs::lookup(start, temporary, vfs::LookupFlags::None));
  TRY(copy_attributes(from.inode(), copy.inode()));
  // The directory gets a name that it has already: its times stay.
  const Path& directory = *parent_->upper();
  InodeAttributes before = directory.inode().attributes();
  TRY(vfs::rename(start, temporary, {.directory = &directory}, name_, 0));
  ignore(set_times(directory.inode(), before));
  return publish_upper(copy);
}

}  // namespace kernel
