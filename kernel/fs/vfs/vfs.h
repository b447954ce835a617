// SPDX-License-Identifier: MIT
// The operations on names that system calls, exec and init use. All check permissions with the
// running task's credentials (fsuid, groups, capabilities). May sleep.
#pragma once

#include "fs/vfs/fd_table.h"
#include "fs/vfs/fs_context.h"
#include "fs/vfs/mount.h"
#include "task/task.h"

namespace kernel::vfs {

// Where a relative path starts: a directory (dirfd), else the working directory.
struct Start {
  const Path* directory = nullptr;
};
enum class LookupFlags : uint32_t {
  None = 0,
  Follow = 1,          // a final symbolic link
  Directory = 2,       // must be one
  EmptyPath = 4,       // AT_EMPTY_PATH: "" is the start itself
  NoAutomount = 8,
  // openat2(2) RESOLVE_*
  NoXdev = 16, NoMagicLinks = 32, NoSymlinks = 64, Beneath = 128, InRoot = 256,
  Cached = 512,        // Again for what only the file system could answer
};
constexpr LookupFlags operator|(LookupFlags a, LookupFlags b) {
  return static_cast<LookupFlags>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
constexpr bool has_flag(LookupFlags set, LookupFlags flag) {
  return (static_cast<uint32_t>(set) & static_cast<uint32_t>(flag)) != 0;
}

Result<Path> lookup(Start start, StringView path, LookupFlags flags = LookupFlags::Follow);

struct OpenRequest {
  uint32_t flags = 0;   // O_*
  uint16_t mode = 0;    // before umask
  LookupFlags resolve = LookupFlags::None;
};
Result<Ref<File>> open(Start start, StringView path, const OpenRequest& request);
// For exec: a regular file with execute permission, ETXTBSY against writers while it is held.
Result<Ref<File>> open_executable(Start start, StringView path, LookupFlags flags);

Result<> make_directory(Start start, StringView path, uint16_t mode);
Result<Path> make_node(Start start, StringView path, FileType type, uint16_t mode,
                       DeviceNumber device);
Result<> symbolic_link(StringView target, Start start, StringView path);
Result<> hard_link(Start old_start, StringView old_path, Start new_start, StringView new_path,
                   LookupFlags flags);
inline constexpr uint32_t kRenameNoReplace = 1, kRenameExchange = 2, kRenameWhiteout = 4;
Result<> unlink(Start start, StringView path);
Result<> remove_directory(Start start, StringView path);
Result<> rename(Start old_start, StringView old_path, Start new_start, StringView new_path,
                uint32_t flags);
Result<> truncate(const Path& path, uint64_t size);
Result<> truncate(File& file, uint64_t size);
Result<> allocate(File& file, uint32_t mode, uint64_t start, uint64_t length);  // fallocate(2)
Result<> change_mode(const Path& path, uint16_t mode);
Result<> change_owner(const Path& path, Uid uid, Gid gid);  // kNoId: stays
Result<> change_times(const Path& path, std::optional<Timestamp> access,
                      std::optional<Timestamp> modify, bool both_now);
// access(2)-like: bits 4 read, 2 write, 1 execute. With the given credentials.
inline constexpr unsigned kMayExecute = 1, kMayWrite = 2, kMayRead = 4;
Result<> check_permission(Inode& inode, unsigned wanted, const Credentials& credentials);
// As above for the running task, and RoFs for a write to a read-only mount.
Result<> check_access(const Path& path, unsigned wanted);
// faccessat2(2): noexec mounts count.
Result<> check_access(const Path& path, unsigned wanted, const Credentials& credentials);

// xattr(7): namespace rules, then the file system. `flags`: 1 create, 2 replace.
Result<String> get_xattr(const Path& path, StringView name);
Result<> set_xattr(const Path& path, StringView name, StringView value, uint32_t flags);
Result<String> list_xattrs(const Path& path);
Result<> remove_xattr(const Path& path, StringView name);

Result<> change_directory(const Path& path);
Result<> change_root(const Path& path);

// Reads and writes at the file's position or at `offset`, with O_APPEND, RLIMIT_FSIZE, position
// lock.
Result<size_t> read(File& file, IoBuffer& buffer, std::optional<uint64_t> offset = {});
Result<size_t> write(File& file, IoBuffer& buffer, std::optional<uint64_t> offset = {});
// Without telling inotify: for splice, which does that once for all.
Result<size_t> read_unnoticed(File& file, IoBuffer& buffer, std::optional<uint64_t> offset);
// The same at the position of a file that only the caller uses.
Result<size_t> read(const FileUse& file, IoBuffer& buffer);
Result<size_t> write(const FileUse& file, IoBuffer& buffer);
// For the kernel's own use (exec, cpio).
Result<size_t> read_kernel(File& file, void* to, size_t size, uint64_t offset);

// Boot: the first mount (a tmpfs as rootfs) and the context of init.
Result<Ref<FsContext>> mount_root();
// Directories are listed by name from now on, but for those of 9p.
void sort_directories(bool on);

}  // namespace kernel::vfs
