// SPDX-License-Identifier: MIT
// From what happened to the queues of those who watch: see fs/vfs/notify.h for the hooks. Which
// events come, and in which order, is as Linux has it.

#include "fs/event/inotify_queue.h"

namespace kernel {

constinit Atomic<uint32_t> notify::watch_count;

namespace {

using namespace notify;

constinit Atomic<uint32_t> last_cookie;

struct Report {
  uint32_t events = 0;
  uint32_t cookie = 0;
  StringView name;             // within the watched directory
  bool unlinked_file = false;  // through an open file that has no name any more
};

// Watches that have been taken off; not by the node of the inode's list, which says whether one is
// on. They are references, and an inode may end with the last.
using Gone = List<InotifyWatch, SuperBlockWatchTag>;

void drop(Gone& gone) {
  while (InotifyWatch* watch = gone.pop_front()) watch->unref();
}

// To all watches of one inode.
void report(Inode& inode, const Report& what) {
  InodeWatches* watches = inode.watches.load_acquire();
  if (watches == nullptr || !watches->want(what.events)) return;
  watches->notices.tell(what.events);
  uint32_t events = what.events;
  if ((events & (kMoveSelf | kDeleteSelf)) != 0) events &= ~kIsDirectory;
  Gone gone;
  {
    Guard guard(inode.attribute_lock);
    InotifyWatch* next = nullptr;
    for (InotifyWatch* watch = watches->list.front(); watch != nullptr; watch = next) {
      next = watches->list.next(*watch);
      if ((watch->mask & what.events & ~kIsDirectory) == 0) continue;
      if (what.unlinked_file && (watch->mask & inotify::kExcludeUnlinked) != 0) continue;
      watch->queue.push(watch->number, events, what.cookie, what.name);
      if ((watch->mask & inotify::kOneShot) == 0) continue;
      watch->queue.take_off_locked(*watch, inode);
      gone.push_back(*watch);
    }
  }
  drop(gone);
}

uint32_t directory_bit(const Inode& inode) { return inode.is_directory() ? kIsDirectory : 0; }

// To the watchers of the directory, with the name that the file has there now.
void report_to_parent(const Dentry& dentry, Report what) {
  if (dentry.is_root()) return;
  Optional<Ref<Inode>> directory;
  char name[256];
  {
    RcuReadGuard reading;
    Inode& parent = *dentry.parent().inode();
    InodeWatches* watches = parent.watches.load_acquire();
    if (watches == nullptr || !watches->want(what.events)) return;
    if (!parent.try_ref()) return;
    directory = Ref<Inode>::adopt(parent);
    StringView present = dentry.name();
    __builtin_memcpy(name, present.data(), present.size());
    what.name = StringView(name, present.size());
  }
  report(*directory, what);
}

// Of a device or FIFO, who may only see its directory does not learn when it is used.
bool is_special(const Inode& inode) {
  switch (inode.type()) {
    case FileType::CharDevice:
    case FileType::BlockDevice:
    case FileType::Fifo:
    case FileType::Socket: return true;
    default: return false;
  }
}

}  // namespace

namespace notify::detail {

void tell_file(const File& file, uint32_t events) {
  if ((file.flags() & kOpenPath) != 0) return;
  const Dentry& dentry = file.path().dentry();
  Inode& inode = *dentry.inode();
  Report what{events | directory_bit(inode), 0, {}, dentry.is_removed()};
  if ((events & (kAccess | kModify)) == 0 || !is_special(inode)) report_to_parent(dentry, what);
  report(inode, what);
}

void tell_place(const Dentry& dentry, uint32_t events) {
  Inode& inode = *dentry.inode();
  Report what{events | directory_bit(inode), 0, {}};
  report_to_parent(dentry, what);
  report(inode, what);
}

void tell_inode(Inode& inode, uint32_t events) {
  report(inode, {events | directory_bit(inode), 0, {}});
}

void tell_name(Inode& directory, StringView name, bool is_directory, uint32_t events) {
  report(directory, {events | (is_directory ? kIsDirectory : 0), 0, name});
}

void tell_move(const Move& move) {
  uint32_t cookie = last_cookie.fetch_add_relaxed(1) + 1;
  uint32_t bit = directory_bit(move.moved);
  if (&move.old_directory == &move.new_directory) report(move.old_directory, {kRenamed, 0, {}});
  report(move.old_directory, {kMovedFrom | bit, cookie, move.old_name});
  report(move.new_directory, {kMovedTo | bit, cookie, move.new_name});
  if (move.replaced != nullptr) tell_inode(*move.replaced, kAttributes);
  tell_inode(move.moved, kMoveSelf);
}

// The inode ends for its watchers: they are told why, if they want to know, and that it is over.
void tell_gone(Inode& inode, uint32_t reason) {
  InodeWatches* watches = inode.watches.load_acquire();
  if (watches == nullptr) return;
  Gone gone;
  {
    Guard guard(inode.attribute_lock);
    while (InotifyWatch* watch = watches->list.front()) {
      // Everybody is told of an unmount.
      if (reason == kUnmount) {
        watch->queue.push(watch->number, kUnmount | directory_bit(inode), 0, {});
      } else if ((watch->mask & reason) != 0) {
        watch->queue.push(watch->number, reason, 0, {});
      }
      watch->queue.take_off_locked(*watch, inode);
      gone.push_back(*watch);
    }
  }
  drop(gone);
}

void tell_unmount(SuperBlock& super_block) {
  for (;;) {
    Optional<Ref<Inode>> inode;
    {
      Guard guard(super_block.watch_lock);
      InotifyWatch* watch = super_block.watches.front();
      if (watch == nullptr) return;
      inode = watch->inode;
    }
    tell_gone(*inode, kUnmount);
  }
}

}  // namespace notify::detail
void notify::forget_watches(InodeWatches& watches) { delete &watches; }

}  // namespace kernel
