// SPDX-License-Identifier: MIT
// See file_arguments.h.

#include "syscall/file_arguments.h"

#include "syscall/abi/file.h"
#include "syscall/abi/memory.h"

namespace kernel::syscall {

Result<> At::load(Context& context, Fd directory, UserString path, Empty empty) {
  text_ = {short_text_, TRY(path.copy(std::span(short_text_)))};
  if (text_.size() == kShortPath) {
    long_text_ = TRY(path.copy(kPathMax));
    text_ = long_text_;
  }
  if (text_.empty() && empty == Empty::Refused) return Errno::NoEnt;
  bool absolute = !text_.empty() && text_.front() == '/';
  if (absolute || directory == abi::kAtFdCwd) return {};
  file_.emplace(TRY(use_place(context, directory)));
  place_ = &(*file_)->path();
  return {};
}

uint64_t open_files_limit(Context& context) {
  return task::soft_limit(context.task.group(), Resource::OpenFiles);
}

Result<int64_t> install_file(Context& context, Ref<File> file, bool close_on_exec) {
  return int64_t{
      TRY(files_of(context).install(std::move(file), close_on_exec, open_files_limit(context)))};
}

Result<IoBuffer> user_vectors(UserAddr vectors, uint64_t count) {
  constexpr uint64_t kMostVectors = 1024;  // UIO_MAXIOV
  if (count > kMostVectors) return Errno::Inval;
  Vector<IoBuffer::Segment> segments;
  TRY(segments.reserve(count));
  uint64_t total = 0;
  for (uint64_t i = 0; i < count; ++i) {
    abi::IoVector vector = TRY(UserIn<abi::IoVector>(vectors).read(i));
    if (static_cast<int64_t>(vector.size) < 0) return Errno::Inval;
    if (!is_user_range(UserAddr{vector.base}, vector.size)) return Errno::Fault;
    // Beyond the most that one call transfers, the rest is cut off.
    uint64_t room = kMaxTransfer - total;
    uint64_t size = vector.size < room ? vector.size : room;
    total += size;
    if (size != 0) segments.append_reserved({vector.base, size});
  }
  return IoBuffer::user_segments(std::move(segments));
}

}  // namespace kernel::syscall
