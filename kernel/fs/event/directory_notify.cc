// SPDX-License-Identifier: MIT
// See directory_notify.h.

#include "fs/event/directory_notify.h"

#include "fs/event/inotify_queue.h"
#include "fs/vfs/fd_table.h"
#include "fs/vfs/identity.h"

namespace kernel {

DirectoryNotices::Notice* DirectoryNotices::find_locked(const FdTable& table, const File& file) {
  for (Notice& notice : notices_) {
    if (&notice.table == &table && &notice.file == &file) return &notice;
  }
  return nullptr;
}

void DirectoryNotices::update_wanted_locked() {
  uint32_t wanted = 0;
  for (Notice& notice : notices_) wanted |= notice.events;
  wanted_.store_relaxed(wanted);
}

void DirectoryNotices::take_off_locked(Notice& notice, Notices& gone) {
  notices_.remove(notice);
  notify::watch_count.fetch_sub_relaxed(1);
  gone.push_back(notice);
}

void DirectoryNotices::destroy(Notices& gone) {
  while (Notice* notice = gone.pop_front()) delete notice;
}

Result<> DirectoryNotices::add(const FdTable& table, int32_t fd, File& file, uint32_t events,
                               bool multishot) {
  Owned<Notice> made = TRY(make_owned<Notice>(table, file));
  Guard guard(lock_);
  Notice* notice = find_locked(table, file);
  if (notice == nullptr) {
    notice = std::move(made).leak();
    notices_.push_back(*notice);
    notify::watch_count.fetch_add_relaxed(1);
  }
  notice->fd = fd;
  notice->events |= events;
  notice->multishot |= multishot;
  update_wanted_locked();
  return {};
}

void DirectoryNotices::remove(const FdTable& table, const File& file) {
  Notices gone;
  {
    Guard guard(lock_);
    Notice* notice = find_locked(table, file);
    if (notice == nullptr) return;
    take_off_locked(*notice, gone);
    update_wanted_locked();
  }
  destroy(gone);
}

void DirectoryNotices::tell(uint32_t events) {
  if ((wanted() & events) == 0) return;
  Notices gone;
  {
    Guard guard(lock_);
    Notice* next = nullptr;
    for (Notice* notice = notices_.front(); notice != nullptr; notice = next) {
      next = notices_.next(*notice);
      if ((notice->events & events) == 0) continue;
      notice->file.owner.send(notice->fd, FileEvent::Message);
      if (!notice->multishot) take_off_locked(*notice, gone);
    }
    update_wanted_locked();
  }
  destroy(gone);
}

namespace directory_notify {
namespace {

uint32_t events_of(uint32_t mask) {
  uint32_t events = 0;
  if ((mask & kAccess) != 0) events |= notify::kAccess;
  if ((mask & kModify) != 0) events |= notify::kModify;
  if ((mask & kCreate) != 0) events |= notify::kCreate | notify::kMovedTo;
  if ((mask & kDelete) != 0) events |= notify::kDelete | notify::kMovedFrom;
  if ((mask & kRename) != 0) events |= notify::kRenamed;
  if ((mask & kAttributes) != 0) events |= notify::kAttributes;
  return events;
}

constinit Atomic<uint64_t> is_enabled{1};

}  // namespace

Result<> ask(FdTable& table, int32_t fd, File& file, uint32_t mask) {
  if (enabled() == 0) return Errno::Inval;
  if ((mask & ~kMultishot) == 0) {
    notify::detail::forget_notices(table, file);
    return {};
  }
  if (!file.inode().is_directory()) return Errno::NotDir;
  InodeWatches& watches = *TRY(watches_of(file.inode()));
  file.owner.set_default(Ref<Pid>(current_task().pid()), FileOwner::Kind::Process);
  TRY(watches.notices.add(table, fd, file, events_of(mask), (mask & kMultishot) != 0));
  // Another thread may have closed the descriptor before there was anything to forget.
  Result<Ref<File>> present = table.get(fd);
  if (!present.ok() || &*present.value() != &file) watches.notices.remove(table, file);
  return {};
}

uint64_t enabled() { return is_enabled.load_relaxed(); }
void set_enabled(uint64_t value) { is_enabled.store_relaxed(value); }

}  // namespace directory_notify

void notify::detail::forget_notices(const FdTable& table, const File& file) {
  if (!file.inode().is_directory()) return;
  InodeWatches* watches = file.inode().watches.load_acquire();
  if (watches != nullptr) watches->notices.remove(table, file);
}

}  // namespace kernel
