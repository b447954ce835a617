// SPDX-License-Identifier: MIT
// The inside of inotify.
//
//   InotifyQueue (a file) ── watches_ by number ── InotifyWatch ──> Inode
//        │ events_                                     │
//        └── InotifyEvent, …          Inode::watches ──┘   SuperBlock::watches
//
// A watch is on all three lists or on none: that changes under the inode's attribute_lock, with the
// queue's lock and the super block's inside it. So whoever holds the inode's lock and finds a watch
// there may use its queue. A watch is one reference then, and holds its inode, but nothing that
// keeps the inode's names or its file system.
#pragma once

#include "fs/event/directory_notify.h"
#include "fs/event/inotify.h"
#include "fs/vfs/notify.h"
#include "lib/tree.h"

namespace kernel {

class InotifyQueue;

struct SuperBlockWatchTag {};
struct InodeWatchTag {};

// Waits in a queue; its name, NUL-terminated, follows.
struct InotifyEvent : ListNode<InotifyEvent> {
  int32_t watch = -1;
  uint32_t events = 0;
  uint32_t cookie = 0;
  uint32_t name_size = 0;
  char name[1];

  // What a read gives: a header, and the name padded to whole headers.
  static constexpr size_t kHeader = 16;
  size_t padded_name() const { return name_size == 0 ? 0 : align_up(name_size + 1, kHeader); }
  size_t read_size() const { return kHeader + padded_name(); }
  bool is_like(const InotifyEvent& other) const;

  static InotifyEvent* make(int32_t watch, uint32_t events, uint32_t cookie, StringView name);
  static void destroy(InotifyEvent* event);
};

class InotifyWatch final : public RefCounted<InotifyWatch>,
                           public TreeNode<InotifyWatch>,
                           public ListNode<InotifyWatch, InodeWatchTag>,
                           public ListNode<InotifyWatch, SuperBlockWatchTag> {
 public:
  InotifyWatch(InotifyQueue& owner, Inode& watched, Ref<UserAccount> user);
  ~InotifyWatch();

  InotifyQueue& queue;
  const Ref<SuperBlock> super_block;  // goes behind the inode, which may end behind the unmount
  const Ref<Inode> inode;
  int32_t number = 0;   // set once, before anybody finds it
  uint32_t mask = 0;    // events and flags; the inode's attribute_lock

  bool is_on() const { return ListNode<InotifyWatch, InodeWatchTag>::is_linked(); }

 private:
  Ref<UserAccount> account_;  // has counted this
};

// Made with the first watch on an inode; stays with it.
struct InodeWatches {
  List<InotifyWatch, InodeWatchTag> list;  // the inode's attribute_lock
  Atomic<uint32_t> events;                 // that any of them wants
  DirectoryNotices notices;

  void update_events();
  bool want(uint32_t told) const {
    return ((events.load_relaxed() | notices.wanted()) & told) != 0;
  }
};

Result<InodeWatches*> watches_of(Inode& inode);

class InotifyQueue final : public File {
 public:
  static constexpr char kKind = 0;  // its address says what a File is, without RTTI

  InotifyQueue(Path path, uint32_t flags, Ref<UserAccount> account);
  ~InotifyQueue() override;
  const void* kind() const override { return &kKind; }
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  uint32_t poll(PollRegistration* registration) override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  Result<uint64_t> seek(int64_t, Whence) override { return uint64_t{0}; }
  void show_info(FormatSink& sink) override;
  void on_close() override;

  Result<int32_t> add_watch(Inode& inode, uint32_t mask);
  Result<> remove_watch(int32_t number);

  // Puts one behind the others, unless it is like the last. Any thread context.
  void push(int32_t watch, uint32_t events, uint32_t cookie, StringView name);
  // Takes a watch off its lists and tells so. The inode's attribute_lock is held, and the caller
  // gets the reference, which it drops behind that lock.
  void take_off_locked(InotifyWatch& watch, Inode& inode) REQUIRES(inode.attribute_lock);

 private:
  struct ByNumber {
    static bool less(const InotifyWatch& a, const InotifyWatch& b) { return a.number < b.number; }
  };

  InotifyWatch* find_locked(int32_t number) REQUIRES(lock_);
  void put_on_locked(InotifyWatch& watch, Inode& inode) REQUIRES(inode.attribute_lock);
  void remove(Ref<InotifyWatch> watch);
  // Nothing: none is there. Error: Inval: it is larger than `room`.
  Result<InotifyEvent*> pop(size_t room);

  SpinLock<LockRank::Inotify> lock_;
  Tree<InotifyWatch, ByNumber> watches_ GUARDED_BY(lock_);
  int32_t next_number_ GUARDED_BY(lock_) = 1;
  List<InotifyEvent> events_ GUARDED_BY(lock_);
  uint64_t event_count_ GUARDED_BY(lock_) = 0;
  const uint64_t event_limit_ = inotify::max_queued_events();
  InotifyEvent overflow_;
  WaitQueue readers_;
  Ref<UserAccount> account_;  // has counted this
};

}  // namespace kernel
