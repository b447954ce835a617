// SPDX-License-Identifier: MIT
// open(2), openat2(2) and what exec opens: from a name to an open file description.

#include "fs/vfs/open.h"

#include "dev/char_device.h"
#include "fs/block/open.h"
#include "fs/pipe/fifo.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/path_walk.h"
#include "fs/vfs/permission.h"

namespace kernel::vfs {
namespace {

constexpr uint32_t kTmpFileBit = kOpenTmpFile & ~kOpenDirectory;

LookupFlags lookup_flags(const OpenRequest& request) {
  LookupFlags flags = request.resolve;
  if ((request.flags & kOpenNoFollow) == 0) flags = flags | LookupFlags::Follow;
  if ((request.flags & kOpenDirectory) != 0) flags = flags | LookupFlags::Directory;
  return flags;
}

unsigned wanted_access(uint32_t flags) {
  unsigned mode = flags & kOpenAccessMode;
  unsigned wanted = mode == kOpenReadOnly    ? kMayRead
                    : mode == kOpenWriteOnly ? kMayWrite
                                             : kMayRead | kMayWrite;
  if ((flags & kOpenTruncate) != 0) wanted |= kMayWrite;
  return wanted;
}

// ETXTBSY while the file is being executed.
Result<> take_write_access(Inode& inode) {
  int32_t present = inode.writers.load_relaxed();
  do {
    if (present < 0) return Errno::TxtBsy;
  } while (!inode.writers.compare_exchange_acq_rel(present, present + 1));
  return {};
}

Result<> check_open(const Path& path, uint32_t flags) {
  Inode& inode = path.inode();
  unsigned wanted = wanted_access(flags);
  switch (inode.type()) {
    case FileType::Symlink: return Errno::Loop;
    case FileType::Directory:
      if ((wanted & kMayWrite) != 0 || (flags & kOpenCreate) != 0) return Errno::IsDir;
      break;
    case FileType::CharDevice:
    case FileType::BlockDevice:
      if (path.mount().has(kMountNoDev)) return Errno::Acces;
      break;
    default: break;
  }
  TRY(check_access(path, wanted));
  if (inode.is_restricted(kRestrictAppend)) {
    // open(2): only to append.
    bool writes = (flags & kOpenAccessMode) != kOpenReadOnly;
    if ((writes && (flags & kOpenAppend) == 0) || (flags & kOpenTruncate) != 0) return Errno::Perm;
  }
  if ((flags & kOpenNoAtime) != 0 && !owns_or_fowner(inode, acting_credentials()))
    return Errno::Perm;
  return {};
}

// The file of a place that may be opened so. `flags` may still ask for truncation.
Result<Ref<File>> open_checked(const Path& path, uint32_t flags) {
  Inode& inode = path.inode();
  bool regular = inode.type() == FileType::Regular;
  uint32_t mode = flags & kOpenAccessMode;
  bool writes = regular && (mode == kOpenWriteOnly || mode == kOpenReadWrite);
  if (writes) TRY(take_write_access(inode));
  Result<Ref<File>> opened = inode.open(path, flags);
  if (!opened.ok()) {
    if (writes) inode.writers.fetch_sub_acq_rel(1);
    return opened;
  }
  Ref<File> file = std::move(opened).take();
  if (writes) {
    file->hold_write_access();
    path.mount().open_writers.fetch_add_relaxed(1);
    inode.super_block().open_writers.fetch_add_relaxed(1);
  }
  // open(2): direct I/O is for what has a disk; a pipe has other ways to its packets (pipe2(2)).
  if ((flags & kOpenDirect) != 0 && inode.type() != FileType::BlockDevice &&
      !file->takes_direct()) {
    return Errno::Inval;
  }
  if (regular && (flags & kOpenTruncate) != 0 && inode.contents() != nullptr) {
    if (!writes) TRY(take_write_access(inode));
    AttributeChange change;
    change.size = 0;
    Result<> cut;
    {
      Guard guard(inode.lock);
      cut = inode.set_attributes(change);
      drop_privileges_locked(inode);
    }
    if (!writes) inode.writers.fetch_sub_acq_rel(1);
    TRY(cut);
    inode.touch(false, true, true);
    notify::place(path, notify::kModify);
  }
  return file;
}

Result<Ref<File>> open_existing(const Path& path, uint32_t flags) {
  if ((flags & kOpenPath) != 0) return open_place(path, flags);
  TRY(check_open(path, flags));
  return open_checked(path, flags);
}

// Makes the name in `parent`, or finds that it is there by now.
struct Created {
  Ref<Dentry> dentry;
  bool is_new;
};
Result<Created> create_file(const Path& parent, StringView name, uint16_t mode) {
  Dentry& directory = parent.dentry();
  Guard guard(parent.inode().lock);
  Ref<Dentry> dentry = TRY(DentryCache::lookup_locked(directory, name));
  if (dentry->inode() != nullptr) return Created{std::move(dentry), false};
  if (!parent.inode().may_gain_names()) return Errno::NoEnt;  // procfs
  TRY(check_create_in(parent));
  auto masked = static_cast<uint16_t>(mode & kModeMask & ~acting_context().umask());
  CreateParameters parameters = new_inode_parameters(parent.inode(), FileType::Regular, masked);
  parameters.for_open = true;
  Result<Ref<Inode>> created = parent.inode().create(name, parameters);
  // A directory in which nobody makes anything: mknod(2) has EPERM for it.
  if (created.failed_with(Errno::Perm)) return Errno::Acces;
  Ref<Inode> inode = TRY(std::move(created));
  DentryCache::instantiate(*dentry, inode);
  notify::created(parent.inode(), name, *inode);
  return Created{std::move(dentry), true};
}

Result<Ref<File>> open_or_create(Start start, StringView path, const OpenRequest& request) {
  uint32_t flags = request.flags;
  if (path.empty()) return Errno::NoEnt;
  PathWalk walk(start, path, request.resolve);
  std::optional<Path> parent = TRY(walk.to_parent());
  constexpr int kMaxRaces = 8;
  int races = 0;
  for (;;) {
    if (walk.last_kind() != PathWalk::LastKind::Name) {
      return (flags & kOpenExclusive) != 0 ? Errno::Exist : Errno::IsDir;
    }
    if (walk.has_trailing_slash()) return Errno::IsDir;
    // A name that is known needs no lock of its directory. Who wants a new one looks under it.
    Optional<Ref<Dentry>> cached;
    if ((flags & kOpenExclusive) == 0)
      cached = DentryCache::get(parent->dentry(), walk.last_name());
    bool usable = cached && cached->inode() != nullptr && !cached->inode()->needs_revalidation() &&
                  !parent->inode().asks_for_names();
    Result<Created> made = usable ? Created{cached.take(), false}
                                  : create_file(*parent, walk.last_name(), request.mode);
    // Somebody else's name, made on the server behind our look-up.
    if (made.failed_with(Errno::Exist) && (flags & kOpenExclusive) == 0 && ++races < kMaxRaces)
      continue;
    Created child = TRY(std::move(made));
    Path place(parent->mount_ref(), child.dentry);
    if (child.is_new) return open_checked(place, flags & ~kOpenTruncate);
    if ((flags & kOpenExclusive) != 0) return Errno::Exist;
    if (place.inode().is_symlink() && (flags & kOpenNoFollow) == 0) {
      if (place.inode().has_magic_link()) {
        if (has_flag(request.resolve, LookupFlags::NoMagicLinks)) return Errno::Loop;
        return open_existing(TRY(place.inode().magic_target()), flags);
      }
      parent = TRY(walk.through_link(child.dentry));
      continue;
    }
    if (child.dentry->is_mount_point()) {
      if (has_flag(request.resolve, LookupFlags::NoXdev)) return Errno::XDev;
      place = top_mount(std::move(place));
    }
    TRY(check_sticky_create(parent->inode(), place.inode()));
    return open_existing(place, flags);
  }
}

// O_TMPFILE: a file without a name in the directory that `path` names.
Result<Ref<File>> open_unnamed(Start start, StringView path, const OpenRequest& request) {
  Path directory = TRY(lookup(start, path, lookup_flags(request) | LookupFlags::Directory));
  TRY(check_create_in(directory));
  auto masked = static_cast<uint16_t>(request.mode & kModeMask & ~acting_context().umask());
  CreateParameters parameters = new_inode_parameters(directory.inode(), FileType::Regular, masked);
  Ref<Inode> inode = TRY(directory.inode().create_unnamed(parameters));
  inode->is_unnamed = (request.flags & kOpenExclusive) == 0;  // O_EXCL: never to be linked
  String name = TRY(format_string("#{}", inode->number()));
  Ref<Dentry> dentry =
      TRY(DentryCache::create_detached(name, std::move(inode), &directory.dentry()));
  return open_checked(Path(directory.mount_ref(), std::move(dentry)),
                      request.flags & ~kOpenDirectory);
}

Result<Ref<File>> open_as_asked(Start start, StringView path, const OpenRequest& request) {
  OpenRequest checked = request;
  uint32_t& flags = checked.flags;
  if ((flags & kOpenPath) != 0)
    flags &= kOpenPath | kOpenDirectory | kOpenNoFollow | kOpenCloseOnExec;
  if ((flags & kTmpFileBit) != 0) {
    bool writes = (flags & kOpenAccessMode) != kOpenReadOnly;
    if ((flags & kOpenTmpFile) != kOpenTmpFile || (flags & kOpenCreate) != 0 || !writes)
      return Errno::Inval;
    return open_unnamed(start, path, checked);
  }
  if ((flags & kOpenCreate) != 0) {
    if ((flags & kOpenDirectory) != 0) return Errno::Inval;
    if ((flags & kOpenExclusive) != 0) flags |= kOpenNoFollow;
    return open_or_create(start, path, checked);
  }
  return open_existing(TRY(lookup(start, path, lookup_flags(checked))), flags);
}

}  // namespace

Result<Ref<File>> open(Start start, StringView path, const OpenRequest& request) {
  Ref<File> file = TRY(open_as_asked(start, path, request));
  notify::file(*file, notify::kOpen);
  return file;
}

Result<Ref<File>> open_executable(Start start, StringView path, LookupFlags flags) {
  Path place = TRY(lookup(start, path, flags));
  Inode& inode = place.inode();
  if (inode.is_symlink()) return Errno::Loop;
  if (inode.type() != FileType::Regular) return Errno::Acces;
  TRY(check_access(place, kMayExecute));
  Ref<File> file = TRY(inode.open(place, kOpenReadOnly));
  int32_t present = inode.writers.load_relaxed();
  do {
    if (present > 0) return Errno::TxtBsy;
  } while (!inode.writers.compare_exchange_acq_rel(present, present - 1));
  file->hold_execution();
  notify::file(*file, notify::kOpen);
  return file;
}

Result<Ref<File>> open_by_type(const Path& path, uint32_t flags) {
  Inode& inode = path.inode();
  switch (inode.type()) {
    case FileType::Regular: return open_regular(path, flags);
    case FileType::Directory: return open_directory(path, flags);
    case FileType::Fifo: return open_fifo(path, flags);
    case FileType::CharDevice: {
      CharDeviceBase* device = find_char_device(inode.device().major, inode.device().minor);
      if (device == nullptr) return Errno::NxIo;
      return device->open(path, flags);
    }
    case FileType::BlockDevice: return open_block_device(path, flags);
    case FileType::Symlink: return Errno::Loop;
    case FileType::Socket:
    case FileType::Anonymous: return Errno::NxIo;
  }
  return Errno::NxIo;
}

}  // namespace kernel::vfs
