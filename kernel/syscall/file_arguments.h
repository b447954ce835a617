// SPDX-License-Identifier: MIT
// Arguments that file calls share: path names relative to a descriptor, buffers, credentials of
// files.
#pragma once

#include "fs/vfs/vfs.h"
#include "syscall/context.h"

namespace kernel::syscall {

inline constexpr size_t kPathMax = 4096;
inline constexpr size_t kMaxTransfer = 0x7fff'f000;  // MAX_RW_COUNT

// A path name and where it starts. Errors: Fault, NameTooLong, NoEnt (empty and not allowed to be),
// BadF.
class At : public Pinned {
 public:
  enum class Empty : uint8_t { Refused, Allowed };
  Result<> load(Context& context, Fd directory, UserString path, Empty empty = Empty::Refused);
  StringView path() const { return text_; }
  vfs::Start start() const { return {place_}; }
  Result<Path> lookup(vfs::LookupFlags flags) const { return vfs::lookup(start(), path(), flags); }

 private:
  static constexpr size_t kShortPath = 128;
  StringView text_;
  char short_text_[kShortPath];
  String long_text_;
  std::optional<FileUse> file_;
  const Path* place_ = nullptr;
};

inline FdTable& files_of(Context& context) { return *context.task.files; }
inline Result<FileUse> use_file(Context& context, Fd fd) { return files_of(context).use(fd); }
// O_PATH files as well.
inline Result<FileUse> use_place(Context& context, Fd fd) {
  return files_of(context).use(fd, true);
}
uint64_t open_files_limit(Context& context);
// A new descriptor; its number is the call's result.
Result<int64_t> install_file(Context& context, Ref<File> file, bool close_on_exec);

// A buffer of at most MAX_RW_COUNT bytes; the range has been checked (is_user_range).
inline IoBuffer user_buffer(UserAddr start, size_t size) {
  return IoBuffer::user(start, size < kMaxTransfer ? size : kMaxTransfer);
}
// readv and friends. Errors: Inval, Fault, NoMem.
Result<IoBuffer> user_vectors(UserAddr vectors, uint64_t count);

}  // namespace kernel::syscall
