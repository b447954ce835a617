// SPDX-License-Identifier: MIT
// A seam: files are opened, read, written and closed. Nobody watches them, locks them or is told by
// a signal, and they have no attributes beyond the inode's.

#include "fs/event/directory_notify.h"
#include "fs/event/epoll.h"
#include "fs/event/memfd.h"
#include "fs/pipe/fifo.h"
#include "fs/vfs/file_locks.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/vfs.h"
#include "syscall/fcntl_locks.h"

namespace kernel {

constinit Atomic<uint32_t> notify::watch_count;
namespace notify::detail {
void tell_file(const File&, uint32_t) {}
void tell_place(const Dentry&, uint32_t) {}
void tell_inode(Inode&, uint32_t) {}
void tell_name(Inode&, StringView, bool, uint32_t) {}
void tell_move(const Move&) {}
void tell_gone(Inode&, uint32_t) {}
void tell_unmount(SuperBlock&) {}
void forget_notices(const FdTable&, const File&) {}
}  // namespace notify::detail
void notify::forget_watches(InodeWatches&) {}

void epoll::forget(File&) {}
Result<> directory_notify::ask(FdTable&, int32_t, File&, uint32_t) { return Errno::Inval; }
Result<> memfd::add_seals(File&, uint32_t) { return Errno::Inval; }
Result<uint32_t> memfd::seals(File&) { return Errno::Inval; }

Result<> AsyncQueue::add(File&, int32_t) { return Errno::Inval; }
void AsyncQueue::remove(File&) {}
void AsyncQueue::notify(FileEvent) {}
void FileOwner::set(Optional<Ref<Pid>>, Kind) {}
FileOwner::Shown FileOwner::get() const { return {Kind::Process, 0}; }

FileLocks::~FileLocks() = default;
void release_posix_locks(Inode&, const void*) {}
void release_open_file_locks(Inode&, const File*) {}
namespace syscall {
Value get_record_lock(Context&, File&, UserAddr, bool) { return Errno::NoLck; }
Value set_record_lock(Context&, File&, UserAddr, bool, bool) { return Errno::NoLck; }
}  // namespace syscall

Result<Ref<File>> open_fifo(const Path&, uint32_t) { return Errno::NxIo; }
void attach_pipe(Inode&, Pipe&) {}
void close_fifo(Inode&, Pipe&) {}

namespace vfs {
Result<String> get_xattr(const Path&, StringView) { return Errno::NoData; }
void drop_capabilities_locked(Inode&) {}
}  // namespace vfs

}  // namespace kernel
