// SPDX-License-Identifier: MIT
// fcntl(2), F_NOTIFY: the owner of an open directory gets a signal when something happens in it.
// What inotify came after. The hooks are the same: fs/vfs/notify.h.
#pragma once

#include "fs/vfs/file.h"

namespace kernel {

class FdTable;

// Those of one directory. One is a descriptor table's, of one of its open files: it goes when the
// table closes any descriptor of that, so that it needs no reference on either.
class DirectoryNotices : public Pinned {
 public:
  constexpr DirectoryNotices() = default;
  ~DirectoryNotices() { DCHECK(notices_.empty()); }

  // `events` are notify::k*; they come on top of those asked for earlier.
  Result<> add(const FdTable& table, int32_t fd, File& file, uint32_t events, bool multishot);
  void remove(const FdTable& table, const File& file);
  // No spin lock is held.
  void tell(uint32_t events);
  uint32_t wanted() const { return wanted_.load_relaxed(); }

 private:
  struct Notice : ListNode<Notice> {
    Notice(const FdTable& owner, File& told) : table(owner), file(told) {}
    const FdTable& table;
    File& file;
    int32_t fd = -1;  // what the signal names
    uint32_t events = 0;
    bool multishot = false;
  };
  using Notices = List<Notice>;

  Notice* find_locked(const FdTable& table, const File& file) REQUIRES(lock_);
  // To `gone`, for the caller to destroy behind the lock.
  void take_off_locked(Notice& notice, Notices& gone) REQUIRES(lock_);
  void update_wanted_locked() REQUIRES(lock_);
  static void destroy(Notices& gone);

  SpinLock<LockRank::AsyncQueue> lock_;
  Notices notices_ GUARDED_BY(lock_);
  Atomic<uint32_t> wanted_;  // the events that any of them waits for
};

namespace directory_notify {

// DN_*.
inline constexpr uint32_t kAccess = 0x1, kModify = 0x2, kCreate = 0x4, kDelete = 0x8,
                          kRename = 0x10, kAttributes = 0x20, kMultishot = 0x8000'0000;

// F_NOTIFY with `mask`, of the open file `fd` of the running task. Errors: Inval (it is switched
// off), NotDir, NoMem.
Result<> ask(FdTable& table, int32_t fd, File& file, uint32_t mask);

// fs.dir-notify-enable: 0 switches it off.
uint64_t enabled();
void set_enabled(uint64_t value);

}  // namespace directory_notify
}  // namespace kernel
