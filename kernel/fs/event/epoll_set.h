// SPDX-License-Identifier: MIT
// The inside of an epoll set: the watched files, and which of them may be ready.
//
//   EpollSet ── items_ ── EpollItem (file, fd) ── hooks ──> wait queues of the file
//       │                     │
//       │ fired_, ready_ <────┘ pushed by the hooks' wake-up
//       └ waiters_ (epoll_wait), pollers_ (poll, and hooks of sets that watch this one)
//
// A wake-up comes in any context, under the lock of the file's queue. It pushes the item on the
// lock-free stack `fired_` and wakes who waits; that is all, so that sets that watch sets need no
// lock but those of wait queues. Everything else is done by callers of the set under its mutex:
// they move what has fired to `ready_`, in order, and ask the files themselves what is ready.
//
// A file knows its items (File::watchers) and takes them away when its last descriptor is closed;
// the set takes all of them away when it is closed itself. An item holds the set's memory.
#pragma once

#include <optional>

#include "fs/event/epoll.h"
#include "lib/tree.h"

namespace kernel {

class EpollSet;

struct EpollReadyTag {};

class EpollItem final : public PollRegistration,
                        public TreeNode<EpollItem>,
                        public ListNode<EpollItem, EpollReadyTag>,
                        public ListNode<EpollItem, WatchedFileTag> {
 public:
  EpollItem(EpollSet& set, File& file, Fd fd, Ref<UserAccount> account);
  ~EpollItem();

  EpollSet& set() const { return *set_; }
  void wait_on(WaitQueue& queue) override;

 private:
  friend class EpollSet;

  class Hook final : public Waiter {
   public:
    Hook(EpollItem& item, bool exclusive) : Waiter(on_wake, exclusive), item_(item) {}
    Hook* next = nullptr;

   private:
    static bool on_wake(Waiter& waiter, uint32_t events) {
      return static_cast<Hook&>(waiter).item_.fire(events);
    }
    EpollItem& item_;
  };

  bool fire(uint32_t events);
  bool has(uint32_t flag) const { return (events_.load_relaxed() & flag) != 0; }
  bool is_ready() const { return ListNode<EpollItem, EpollReadyTag>::is_linked(); }
  uint32_t poll(PollRegistration* registration, unsigned depth);
  void unhook();

  Ref<EpollSet> set_;
  File& file_;        // whose closing removes this
  const Fd fd_;
  EpollSet* const inner_;  // the set that the file is; null: another kind
  Ref<UserAccount> account_;  // has counted this
  Atomic<uint32_t> events_;
  uint64_t data_ = 0;
  uint64_t sent_in_ = 0;   // the last transfer that gave it to somebody
  Atomic<bool> has_fired_;  // is on the stack
  EpollItem* next_fired_ = nullptr;
  std::optional<Hook> first_hook_;
  Hook* more_hooks_ = nullptr;  // of files with several queues; allocated
  bool hooks_failed_ = false;
};

class EpollSet final : public RefCounted<EpollSet> {
 public:
  explicit EpollSet(File& file) : file_(file) {}
  // The set behind a file; null: another kind.
  static EpollSet* of(const File& file);
  File& file() const { return file_; }

  Result<> add(File& target, Fd fd, EpollEvent event);
  Result<> modify(File& target, Fd fd, EpollEvent event);
  Result<> remove(File& target, Fd fd);
  void forget(File& target);
  void clear();

  Result<size_t> wait(IoBuffer& to, epoll::Patience patience, Deadline deadline);
  // `depth`: how many sets are being asked above this one.
  uint32_t poll(PollRegistration* registration, unsigned depth);
  void show(FormatSink& sink);

 private:
  friend class EpollItem;
  using Lock = Mutex<LockRank::EpollSet>;
  struct ByFile {
    static bool less(const EpollItem& a, const EpollItem& b) {
      return &a.file_ != &b.file_ ? &a.file_ < &b.file_ : a.fd_ < b.fd_;
    }
  };

  // --- Nesting (epoll_nesting.cc).
  Result<> add_nested(File& target, Fd fd, EpollEvent event);
  static unsigned depth_below(EpollSet& from, const EpollSet& wanted, uint64_t search,
                              unsigned depth);
  static unsigned height_above(EpollSet& from, uint64_t search, unsigned depth);
  static bool has_too_many_paths_below(EpollSet& from, uint64_t search, unsigned depth);

  Result<> add_locked(File& target, Fd fd, EpollEvent event) REQUIRES(lock_);
  EpollItem* find_locked(const File& file, Fd fd) REQUIRES(lock_);
  void remove_locked(EpollItem& item) REQUIRES(lock_);
  void collect_locked() REQUIRES(lock_);
  void publish_locked() REQUIRES(lock_) { has_ready_.store_release(!ready_.empty()); }
  size_t send_locked(IoBuffer& to, uint64_t transfer, std::optional<size_t>& fault_at)
      REQUIRES(lock_);
  Result<size_t> send(IoBuffer& to);
  void push_fired(EpollItem& item);
  bool may_have_events() const {
    return fired_.load_acquire() != nullptr || has_ready_.load_acquire();
  }

  File& file_;  // the open file that this is; there while it has items
  Lock lock_;
  Tree<EpollItem, ByFile> items_ GUARDED_BY(lock_);
  List<EpollItem, EpollReadyTag> ready_ GUARDED_BY(lock_);
  uint64_t transfers_ GUARDED_BY(lock_) = 0;
  // Nesting lock: the last search that came here, and what it found.
  uint64_t visited_ = 0;
  unsigned found_depth_ = 0;
  Atomic<EpollItem*> fired_;
  Atomic<bool> has_ready_;  // of ready_, for who does not hold the lock
  WaitQueue waiters_;
  WaitQueue pollers_;
};

}  // namespace kernel
