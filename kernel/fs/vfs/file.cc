// SPDX-License-Identifier: MIT
// Open files: what they share, and the answers of one that lacks an operation.

#include "fs/vfs/file.h"

#include "fs/event/epoll.h"
#include "fs/vfs/file_locks.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/notify.h"

namespace kernel {

File::File(Path path, uint32_t flags)
    : path_(std::move(path)), flags_(flags & kOpenStatusMask),
      credentials_(const_cast<Credentials&>(vfs::acting_credentials())) {}

File::~File() = default;

void File::change_flags(uint32_t clear, uint32_t set) {
  uint32_t present = flags_.load_relaxed();
  while (!flags_.compare_exchange_relaxed(present, (present & ~clear) | set)) {
  }
}

Result<uint64_t> File::move_position(uint64_t base, int64_t offset) NO_THREAD_SAFETY_ANALYSIS {
  // SAFETY: the caller holds position_lock, through an interface that the analysis cannot follow.
  int64_t target;
  if (__builtin_add_overflow(static_cast<int64_t>(base), offset, &target) || target < 0)
    return Errno::Inval;
  position = static_cast<uint64_t>(target);
  return position;
}

Result<> File::set_async(int32_t fd, bool on) {
  if (((flags() & kOpenAsync) != 0) == on) return {};
  AsyncQueues queues = async_queues();
  for (AsyncQueue* queue : {queues.first, queues.second}) {
    if (queue == nullptr) continue;
    if (on) {
      TRY(queue->add(*this, fd));
    } else {
      queue->remove(*this);
    }
  }
  if (on) async_wanted();
  change_flags(kOpenAsync, on ? kOpenAsync : 0);
  return {};
}

// Closing a socket closes the files that lie in its queue, which may be sockets too. They end one
// behind the other, not one inside the other: the stack does not grow with the chain.
void File::last_unref(File* file) {
  File**& end_of_list = current().closing_files;
  if (end_of_list != nullptr) {
    *end_of_list = file;
    end_of_list = &file->next_closing_;
    return;
  }
  end_of_list = &file->next_closing_;
  while (file != nullptr) {
    file->end();
    File* next = file->next_closing_;
    if (next == nullptr) end_of_list = nullptr;
    retire_object(std::exchange(file, next));
  }
}

// Closing happens now; only the memory waits for the readers of descriptor tables.
void File::end() {
  notify::file(*this, writable() ? notify::kCloseWrite : notify::kCloseNoWrite);
  if (is_watched.load_relaxed()) epoll::forget(*this);
  AsyncQueues queues = async_queues();
  for (AsyncQueue* queue : {queues.first, queues.second}) {
    if (queue != nullptr) queue->remove(*this);
  }
  on_close();
  release_open_file_locks(inode(), this);
  if (holds_write_access_) {
    inode().writers.fetch_sub_acq_rel(1);
    path_.mount().open_writers.fetch_sub_relaxed(1);
    inode().super_block().open_writers.fetch_sub_relaxed(1);
  }
  if (holds_execution_) inode().writers.fetch_add_acq_rel(1);
  // The place is let go of at once: an unlinked file gives its space back, a mount can be
  // unmounted. Late readers of a table only look at the count.
  Path gone = std::move(path_);
}

Result<size_t> File::read(IoBuffer&, uint64_t) { return Errno::Inval; }
Result<size_t> File::write(IoBuffer&, uint64_t) { return Errno::Inval; }
uint32_t File::poll(PollRegistration*) {
  return kPollIn | kPollOut | kPollRdNorm | kPollWrNorm | kPollUnsupported;
}
Result<int64_t> File::ioctl(uint32_t, uint64_t) { return Errno::NoTty; }
Result<uint64_t> File::seek(int64_t, Whence) { return Errno::SPipe; }
Result<> File::read_directory(DirectorySink&) { return Errno::NotDir; }
Result<> File::allocate(uint32_t, uint64_t, uint64_t) { return Errno::NoDev; }
Result<Ref<MemoryObject>> File::memory_object(uint32_t, bool) { return Errno::NoDev; }
Result<> File::synchronise(bool) { return Errno::Inval; }

}  // namespace kernel
