// SPDX-License-Identifier: MIT
// What happens to files, told to whoever watches them (inotify(7), F_NOTIFY of fcntl(2)). The hooks
// of the vfs layer call these when something was done; while nobody watches anything, that is one
// load. The other side is fs/event/inotify.h and directory_notify.h. Thread context; inode mutexes
// may be held.
#pragma once

#include "fs/vfs/file.h"

namespace kernel {

class FdTable;

namespace notify {

// IN_* events.
inline constexpr uint32_t kAccess = 0x1, kModify = 0x2, kAttributes = 0x4, kCloseWrite = 0x8,
                          kCloseNoWrite = 0x10, kOpen = 0x20, kMovedFrom = 0x40, kMovedTo = 0x80,
                          kCreate = 0x100, kDelete = 0x200, kDeleteSelf = 0x400, kMoveSelf = 0x800,
                          kUnmount = 0x2000, kQueueOverflow = 0x4000, kIgnored = 0x8000,
                          kIsDirectory = 0x4000'0000;
// Of a directory in which a name was given for another: nobody can ask inotify for that.
inline constexpr uint32_t kRenamed = 0x1000'0000;

extern Atomic<uint32_t> watch_count;  // in the whole system
inline bool anybody() { return watch_count.load_relaxed() != 0; }

// Both sides of a rename, of which one is a name that is gone.
struct Move {
  Inode& old_directory;
  StringView old_name;
  Inode& new_directory;
  StringView new_name;
  Inode& moved;
  Inode* replaced;
};

namespace detail {
void tell_file(const File& file, uint32_t events);
void tell_place(const Dentry& dentry, uint32_t events);
void tell_inode(Inode& inode, uint32_t events);
void tell_name(Inode& directory, StringView name, bool is_directory, uint32_t events);
void tell_move(const Move& move);
void tell_gone(Inode& inode, uint32_t reason);
void tell_unmount(SuperBlock& super_block);
void forget_notices(const FdTable& table, const File& file);
}  // namespace detail

// To the watchers of the file and of the directory that its name is in.
inline void file(const File& file, uint32_t events) {
  if (anybody()) detail::tell_file(file, events);
}
inline void place(const Path& path, uint32_t events) {
  if (anybody()) detail::tell_place(path.dentry(), events);
}
// To those of the inode alone.
inline void inode(Inode& inode, uint32_t events) {
  if (anybody()) detail::tell_inode(inode, events);
}
// To those of the directory: something happened to one of its names.
inline void created(Inode& directory, StringView name, const Inode& made) {
  if (anybody()) detail::tell_name(directory, name, made.is_directory(), kCreate);
}
inline void moved(const Move& move) {
  if (anybody()) detail::tell_move(move);
}
// A dentry of an inode ends. The inode ends for its watchers when it has no name any more.
inline void dentry_ended(Inode& inode) {
  bool is_last = inode.links() == 0 || inode.removed_directory.load_relaxed();
  if (anybody() && is_last) detail::tell_gone(inode, kDeleteSelf);
}
// A name was taken out of its directory; the caller holds a reference on the dentry, and when that
// is the last one, the dentry ends with it.
inline void removed(Inode& directory, const Dentry& dentry) {
  if (!anybody()) return;
  if (dentry.ref_count() == 1) dentry_ended(*dentry.inode());
  detail::tell_name(directory, dentry.name(), dentry.inode()->is_directory(), kDelete);
}
// The same where names are made up: this one will not be found any more, and its inode is done for.
inline void vanished(Inode& directory, StringView name, Inode& inode) {
  if (!anybody()) return;
  detail::tell_name(directory, name, inode.is_directory(), kDelete);
  detail::tell_gone(inode, kDeleteSelf);
}
// Whether anybody waits for the end of this inode.
inline bool is_watched(const Inode& inode) { return inode.watches.load_relaxed() != nullptr; }
// The last mount of a file system has gone.
inline void unmounted(SuperBlock& super_block) {
  if (anybody()) detail::tell_unmount(super_block);
}
// A descriptor of the file has gone from the table: what F_NOTIFY asked for by it is over.
// The inode that they are on is no more.
void forget_watches(InodeWatches& watches);
inline void descriptor_closed(const FdTable& table, const File& file) {
  if (anybody()) detail::forget_notices(table, file);
}

}  // namespace notify
}  // namespace kernel
