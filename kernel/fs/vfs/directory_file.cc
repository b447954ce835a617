// SPDX-License-Identifier: MIT
// Open directories: listing with a position that survives changes of the directory (getdents64(2)).
// Cookies: 0 is ".", 1 is "..", the file system's own start at 2. Sorted listings are taken when
// they begin: what is made or removed meanwhile may be there or not, as POSIX has it.

#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/open.h"
#include "fs/vfs/sorted_listing.h"
#include "fs/vfs/vfs.h"

namespace kernel {
namespace {

constinit Atomic<bool> sorted{false};

// Passes entries on and notes how far the caller's buffer came.
class TrackingSink final : public DirectorySink {
 public:
  TrackingSink(DirectorySink& sink, uint64_t& position) : sink_(sink), position_(position) {}
  bool entry(StringView name, uint64_t inode, FileType type, uint64_t offset) override {
    if (!sink_.entry(name, inode, type, offset)) return false;
    position_ = offset;
    return true;
  }

 private:
  DirectorySink& sink_;
  uint64_t& position_;
};

class DirectoryFile final : public File {
 public:
  DirectoryFile(Path path, uint32_t flags) : File(std::move(path), flags) {}
  Result<size_t> read(IoBuffer&, uint64_t) override { return Errno::IsDir; }
  Result<size_t> write(IoBuffer&, uint64_t) override { return Errno::BadF; }
  Result<uint64_t> seek(int64_t offset, Whence whence) override;
  Result<> read_directory(DirectorySink& sink) override;
  Result<> synchronise(bool data_only) override { return inode().synchronise(data_only); }
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override {
    return inode().ioctl(*this, request, argument);
  }
  bool is_seekable() const override { return true; }

 private:
  uint64_t parent_number() const;
  Result<> read_entries(uint64_t from, DirectorySink& sink);

  Optional<Owned<SortedListing>> listing_;  // guarded by position_lock
};

Result<uint64_t> DirectoryFile::seek(int64_t offset, Whence whence) {
  if (whence != Whence::Set && whence != Whence::Current) return Errno::Inval;
  return move_position(whence == Whence::Current ? position_hint() : 0, offset);
}

uint64_t DirectoryFile::parent_number() const {
  if (path().dentry().is_root()) return inode().number();
  return MountTree::parent_of(path().dentry())->inode()->number();
}

Result<> DirectoryFile::read_directory(DirectorySink& sink) NO_THREAD_SAFETY_ANALYSIS {
  // SAFETY: the caller holds position_lock.
  Inode& directory = inode();
  TrackingSink tracking(sink, position);
  if (directory.removed_directory.load_relaxed()) return Errno::NoEnt;
  if (position == 0 && !tracking.entry(".", directory.number(), FileType::Directory, 1)) return {};
  if (position == 1 && !tracking.entry("..", parent_number(), FileType::Directory, 2)) return {};
  Result<> result = read_entries(position, tracking);
  notify::file(*this, notify::kAccess);
  directory.note_access(path().mount());
  return result;
}

Result<> DirectoryFile::read_entries(uint64_t from, DirectorySink& sink) {
  Inode& directory = inode();
  Guard guard(directory.lock);
  if (!sorted.load_relaxed()) return directory.read_directory(from, sink);
  if (from == SortedListing::kFirstCookie || !listing_)
    listing_ = TRY(SortedListing::take(directory));
  listing_->read(from, sink);
  return {};
}

}  // namespace

void vfs::sort_directories(bool on) { sorted.store_relaxed(on); }

Result<Ref<File>> vfs::open_directory(const Path& path, uint32_t flags) {
  Ref<DirectoryFile> file = TRY(make_ref<DirectoryFile>(path, flags));
  return Ref<File>(std::move(file));
}

}  // namespace kernel
