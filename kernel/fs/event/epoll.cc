// SPDX-License-Identifier: MIT
// See epoll.h: the file that a set is, and what epoll_ctl(2) refuses.

#include "fs/event/epoll.h"

#include "fs/event/epoll_set.h"
#include "fs/vfs/anonymous.h"
#include "fs/vfs/identity.h"
#include "mm/frames.h"

namespace kernel {
namespace {

class EpollFile final : public File {
 public:
  static constexpr char kKind = 0;  // its address says what a File is, without RTTI

  explicit EpollFile(Path path) : File(std::move(path), kOpenReadWrite) {}
  Result<> make_set() {
    set_ = TRY(make_ref<EpollSet>(*this));
    return {};
  }
  EpollSet& set() const { return *set_; }
  const void* kind() const override { return &kKind; }
  uint32_t poll(PollRegistration* registration) override { return set_->poll(registration, 0); }
  Result<uint64_t> seek(int64_t, Whence) override { return uint64_t{0}; }
  void show_info(FormatSink& sink) override { set_->show(sink); }
  void on_close() override {
    if (set_) set_->clear();
  }

 private:
  Optional<Ref<EpollSet>> set_;  // items outlive the file for a moment, and hold it
};

constinit Atomic<uint64_t> watch_limit;  // 0: not asked for yet

}  // namespace

EpollSet* EpollSet::of(const File& file) {
  if (file.kind() != &EpollFile::kKind) return nullptr;
  return &static_cast<const EpollFile&>(file).set();
}

namespace epoll {

Result<Ref<File>> create() {
  Path path = TRY(anonymous::make_place(anonymous::Kind::Event, "anon_inode:[eventpoll]", false));
  Ref<EpollFile> file = TRY(make_ref<EpollFile>(std::move(path)));
  TRY(file->make_set());
  return Ref<File>(std::move(file));
}

Result<> control(File& set_file, Operation operation, File& target, Fd fd, EpollEvent event) {
  constexpr uint32_t kExclusiveWith = kPollIn | kPollOut | kPollErr | kPollHup | kEpollWakeUp |
                                      kEpollEdgeTriggered | kEpollExclusive;
  if ((target.poll(nullptr) & kPollUnsupported) != 0) return Errno::Perm;
  EpollSet* set = EpollSet::of(set_file);
  if (set == nullptr || &set_file == &target) return Errno::Inval;
  // Nothing here suspends; whoever could keep the machine awake sees the flag kept.
  if (!vfs::acting_has(Capability::BlockSuspend)) event.events &= ~kEpollWakeUp;
  bool exclusive = operation != Operation::Delete && (event.events & kEpollExclusive) != 0;
  if (exclusive) {
    bool fits = EpollSet::of(target) == nullptr && (event.events & ~kExclusiveWith) == 0;
    if (operation == Operation::Modify || (operation == Operation::Add && !fits))
      return Errno::Inval;
  }
  switch (operation) {
    case Operation::Add: return set->add(target, fd, event);
    case Operation::Modify: return set->modify(target, fd, event);
    case Operation::Delete: return set->remove(target, fd);
  }
  return Errno::Inval;
}

Result<size_t> wait(File& file, IoBuffer& events, Patience patience, Deadline deadline) {
  EpollSet* set = EpollSet::of(file);
  if (set == nullptr) return Errno::Inval;
  return set->wait(events, patience, deadline);
}

// A set that is being closed itself takes its item away under its lock: then this waits there.
void forget(File& file) {
  for (;;) {
    Optional<Ref<EpollSet>> set;
    {
      Guard guard(file.inode().attribute_lock);
      EpollItem* item = file.watchers.front();
      if (item == nullptr) return;
      set = Ref<EpollSet>(item->set());
    }
    set->forget(file);
  }
}

// As Linux: a twenty-fifth of the memory.
uint64_t max_user_watches() {
  uint64_t limit = watch_limit.load_relaxed();
  if (limit != 0) return limit - 1;
  return frames::total_pages() * kPageSize / 25 / sizeof(EpollItem);
}

void set_max_user_watches(uint64_t count) { watch_limit.store_relaxed(count + 1); }

}  // namespace epoll
}  // namespace kernel
