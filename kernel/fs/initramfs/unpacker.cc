// SPDX-License-Identifier: MIT
// See unpacker.h.

#include "fs/initramfs/unpacker.h"

#include "lib/log.h"

namespace kernel::initramfs {
namespace {

// What stands at a name and is of another type gives way.
Result<> clear_way(StringView name, FileType type) {
  Result<Path> present = vfs::lookup({}, name, vfs::LookupFlags::None);
  if (!present.ok()) return {};
  FileType found = present->inode().type();
  if (found == type) return {};
  return found == FileType::Directory ? vfs::remove_directory({}, name) : vfs::unlink({}, name);
}

}  // namespace

Result<> Unpacker::begin(const CpioEntry& entry, StringView name) {
  entry_ = entry;
  file_.reset();
  offset_ = 0;
  target_.clear();
  // Relative names are meant from the root, which is where the kernel stands.
  name_ = TRY(String::create(name));
  ++entries_;
  if (*type_of_mode(entry.mode) == FileType::Symlink) return {};  // its target is still to come
  Result<> made = make(name);
  if (!made.ok()) {
    if (made.failed_with(Errno::NoMem) || made.failed_with(Errno::NoSpc)) return made;
    log_warning("initramfs: {}: cannot be made (error {})", name, made.error());
  }
  return {};
}

Result<> Unpacker::make(StringView name) {
  FileType type = *type_of_mode(entry_.mode);
  TRY(clear_way(name, type));
  if (type == FileType::Directory) return make_directory(name);
  if (type == FileType::Regular) return make_regular(name);
  if (TRY(link_to_earlier(name))) return {};
  auto mode = static_cast<uint16_t>(entry_.mode & kModeMask);
  Result<Path> made =
      vfs::make_node({}, name, type, mode, {entry_.own_device_major, entry_.own_device_minor});
  if (!made.ok() && !made.failed_with(Errno::Exist)) return made.error();
  return apply_attributes(TRY(vfs::lookup({}, name, vfs::LookupFlags::None)));
}

Result<> Unpacker::make_directory(StringView name) {
  Result<> made = vfs::make_directory({}, name, static_cast<uint16_t>(entry_.mode & kModeMask));
  if (!made.ok() && !made.failed_with(Errno::Exist)) return made;
  TRY(apply_attributes(TRY(vfs::lookup({}, name, vfs::LookupFlags::None))));
  String kept = TRY(String::create(name));
  return directories_.append(DirectoryTime{std::move(kept), entry_.modified});
}

// The contents may come with any of a file's names.
Result<> Unpacker::make_regular(StringView name) {
  bool linked = TRY(link_to_earlier(name));
  vfs::OpenRequest request;
  request.flags = kOpenWriteOnly | kOpenCreate | kOpenNoFollow | (linked ? 0 : kOpenTruncate);
  request.mode = static_cast<uint16_t>(entry_.mode & kModeMask);
  file_ = TRY(vfs::open({}, name, request));
  return {};
}

Result<bool> Unpacker::link_to_earlier(StringView name) {
  if (entry_.links < 2) return false;
  for (const Link& link : links_) {
    if (link.inode != entry_.inode || link.device_major != entry_.device_major ||
        link.device_minor != entry_.device_minor) {
      continue;
    }
    ignore(vfs::unlink({}, name));  // mostly nothing is there
    TRY(vfs::hard_link({}, link.name, {}, name, vfs::LookupFlags::None));
    return true;
  }
  String kept = TRY(String::create(name));
  TRY(links_.append(Link{entry_.inode, entry_.device_major, entry_.device_minor, std::move(kept)}));
  return false;
}

Result<> Unpacker::data(std::span<const uint8_t> piece) {
  if (*type_of_mode(entry_.mode) == FileType::Symlink) {
    return target_.append(StringView(reinterpret_cast<const char*>(piece.data()), piece.size()));
  }
  if (!file_) return {};  // could not be made: passed over
  IoBuffer buffer = IoBuffer::kernel(static_cast<const void*>(piece.data()), piece.size());
  offset_ += TRY(vfs::write(*file_, buffer, offset_));
  return buffer.remaining() == 0 ? Result<>() : Result<>(Errno::NoSpc);
}

Result<> Unpacker::end() {
  if (*type_of_mode(entry_.mode) == FileType::Symlink) {
    if (target_.view().find('\0') != StringView::npos) return Errno::Inval;
    TRY(clear_way(name_, FileType::Regular));  // a link there is replaced as well
    Result<> made = vfs::symbolic_link(target_, {}, name_);
    if (!made.ok()) {
      if (made.failed_with(Errno::NoMem) || made.failed_with(Errno::NoSpc)) return made;
      log_warning("initramfs: {}: cannot be made (error {})", name_, made.error());
      return {};
    }
    return apply_attributes(TRY(vfs::lookup({}, name_, vfs::LookupFlags::None)));
  }
  if (!file_) return {};
  Ref<File> file = file_.take();
  return apply_attributes(file->path());
}

Result<> Unpacker::apply_attributes(const Path& path) {
  Inode& inode = path.inode();
  AttributeChange change;
  change.uid = entry_.uid;
  change.gid = entry_.gid;
  if (!inode.is_symlink()) change.mode = static_cast<uint16_t>(entry_.mode & kModeMask);
  change.access = change.modify = Timestamp{static_cast<int64_t>(entry_.modified), 0};
  Guard guard(inode.lock);
  return inode.set_attributes(change);
}

Result<> Unpacker::finish() {
  for (const DirectoryTime& directory : directories_) {
    Result<Path> path = vfs::lookup({}, directory.name, vfs::LookupFlags::None);
    if (!path.ok()) continue;  // replaced by a later archive
    AttributeChange change;
    change.access = change.modify = Timestamp{static_cast<int64_t>(directory.modified), 0};
    Guard guard(path->inode().lock);
    TRY(path->inode().set_attributes(change));
  }
  return {};
}

}  // namespace kernel::initramfs
