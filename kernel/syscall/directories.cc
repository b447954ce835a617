// SPDX-License-Identifier: MIT
// getdents64(2), getcwd(2), chdir(2), chroot(2).

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

constexpr size_t kMostAtOnce = 32 * KiB;

// DT_* of readdir(3): the type bits of st_mode, shifted.
uint8_t directory_type(FileType type) { return static_cast<uint8_t>(type_bits(type) >> 12); }

// struct linux_dirent64 after linux_dirent64, in a buffer of the kernel's: a directory's lock is
// held while it fills, so the user's memory cannot be touched yet.
class DirentSink final : public DirectorySink {
 public:
  explicit DirentSink(std::span<char> buffer) : buffer_(buffer) {}
  bool entry(StringView name, uint64_t inode, FileType type, uint64_t offset) override;
  size_t used() const { return used_; }
  bool was_too_small() const { return too_small_; }

 private:
  static constexpr size_t kHead = 19;  // d_ino, d_off, d_reclen, d_type
  std::span<char> buffer_;
  size_t used_ = 0;
  bool too_small_ = false;
};

bool DirentSink::entry(StringView name, uint64_t inode, FileType type, uint64_t offset) {
  size_t size = align_up(kHead + name.size() + 1, 8);
  if (size > buffer_.size() - used_) {
    too_small_ = true;
    return false;
  }
  char* at = buffer_.data() + used_;
  auto length = static_cast<uint16_t>(size);
  uint8_t kind = directory_type(type);
  __builtin_memset(at + size - 8, 0, 8);  // the padding
  __builtin_memcpy(at, &inode, sizeof inode);
  __builtin_memcpy(at + 8, &offset, sizeof offset);
  __builtin_memcpy(at + 16, &length, sizeof length);
  __builtin_memcpy(at + 18, &kind, sizeof kind);
  __builtin_memcpy(at + kHead, name.data(), name.size());
  at[kHead + name.size()] = '\0';
  used_ += size;
  return true;
}

}  // namespace

Value sys_getdents64(Context& context, Fd fd, UserAddr buffer, uint32_t size) {
  FileUse file = TRY(use_file(context, fd));
  Vector<char> entries;
  TRY(entries.reserve(size < kMostAtOnce ? size : kMostAtOnce));
  DirentSink sink({entries.data(), entries.capacity() < size ? entries.capacity() : size});
  PositionGuard guard(*file);
  uint64_t before = file->position;
  TRY(file->read_directory(sink));
  if (sink.used() == 0 && sink.was_too_small()) return Errno::Inval;
  Result<> copied = copy_out(buffer, entries.data(), sink.used());
  if (!copied.ok()) {
    file->position = before;
    return copied.error();
  }
  return static_cast<int64_t>(sink.used());
}

Value sys_getcwd(Context& context, UserAddr buffer, size_t size) {
  Path place = context.task.fs_context->working_directory();
  if (place.dentry().is_removed()) return Errno::NoEnt;
  String name = TRY(place.to_string(context.task.fs_context->root(), Path::Unreachable::Marked));
  if (name.size() + 1 > size) return Errno::Range;
  TRY(copy_out(buffer, name.c_str(), name.size() + 1));
  return static_cast<int64_t>(name.size() + 1);
}

Value sys_chdir(Context& context, UserString path) {
  At at;
  TRY(at.load(context, abi::kAtFdCwd, path));
  TRY(vfs::change_directory(
      TRY(at.lookup(vfs::LookupFlags::Follow | vfs::LookupFlags::Directory))));
  return 0;
}

Value sys_fchdir(Context& context, Fd fd) {
  FileUse file = TRY(use_place(context, fd));
  TRY(vfs::change_directory(file->path()));
  return 0;
}

Value sys_chroot(Context& context, UserString path) {
  At at;
  TRY(at.load(context, abi::kAtFdCwd, path));
  TRY(vfs::change_root(TRY(at.lookup(vfs::LookupFlags::Follow | vfs::LookupFlags::Directory))));
  return 0;
}

}  // namespace kernel::syscall
