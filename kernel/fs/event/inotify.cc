// SPDX-License-Identifier: MIT
// See inotify.h and inotify_queue.h.

#include "fs/event/inotify.h"

#include "fs/event/inotify_queue.h"
#include "fs/vfs/anonymous.h"
#include "fs/vfs/identity.h"
#include "mm/frames.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

constexpr uint32_t kBytesQueued = 0x541b, kSetNextNumber = 0x4004'4900;  // FIONREAD, …SETNEXTWD
constexpr uint32_t kAllEvents = 0xfff;

struct Limits {
  Atomic<uint64_t> queued_events{16384};
  Atomic<uint64_t> instances{128};
  Atomic<uint64_t> watches;  // plus 1; 0: by the size of memory
};
constinit Limits limits;

}  // namespace

Result<InodeWatches*> watches_of(Inode& inode) {
  InodeWatches* present = inode.watches.load_acquire();
  if (present != nullptr) return present;
  InodeWatches* made = TRY(make_owned<InodeWatches>()).leak();
  if (inode.watches.compare_exchange_acq_rel(present, made)) return made;
  delete made;
  return present;
}

// --- Events.

bool InotifyEvent::is_like(const InotifyEvent& other) const {
  return watch == other.watch && events == other.events && (events & notify::kIgnored) == 0 &&
         StringView(name, name_size) == StringView(other.name, other.name_size);
}

// Null without memory.
InotifyEvent* InotifyEvent::make(int32_t watch, uint32_t events, uint32_t cookie, StringView name) {
  void* memory = operator new(sizeof(InotifyEvent) + name.size(), std::nothrow);
  if (memory == nullptr) return nullptr;
  auto* event = new (memory) InotifyEvent;
  event->watch = watch;
  event->events = events;
  event->cookie = cookie;
  event->name_size = static_cast<uint32_t>(name.size());
  __builtin_memcpy(event->name, name.data(), name.size());
  event->name[name.size()] = '\0';
  return event;
}

void InotifyEvent::destroy(InotifyEvent* event) { operator delete(static_cast<void*>(event)); }

// --- Watches.

InotifyWatch::InotifyWatch(InotifyQueue& owner, Inode& watched, Ref<UserAccount> user)
    : queue(owner),
      super_block(watched.super_block()),
      inode(watched),
      account_(std::move(user)) {
  account_->inotify_watches.fetch_add_relaxed(1);
}

InotifyWatch::~InotifyWatch() { account_->inotify_watches.fetch_sub_relaxed(1); }

void InodeWatches::update_events() {
  uint32_t wanted = 0;
  for (InotifyWatch& watch : list) wanted |= watch.mask;
  events.store_relaxed(wanted & kAllEvents);
}

// --- The queue.

InotifyQueue::InotifyQueue(Path path, uint32_t flags, Ref<UserAccount> account)
    : File(std::move(path), flags), account_(std::move(account)) {
  account_->inotify_instances.fetch_add_relaxed(1);
  overflow_.events = notify::kQueueOverflow;
}

// Behind the grace period: who takes a watch off on another CPU tells of it after on_close() has
// seen that none is left.
InotifyQueue::~InotifyQueue() {
  Guard guard(lock_);
  while (InotifyEvent* event = events_.pop_front()) {
    if (event != &overflow_) InotifyEvent::destroy(event);
  }
}

void InotifyQueue::on_close() {
  for (;;) {
    Optional<Ref<InotifyWatch>> watch;
    {
      Guard guard(lock_);
      InotifyWatch* first = watches_.first();
      if (first == nullptr) break;
      watch = Ref<InotifyWatch>(*first);
    }
    remove(watch.take());
  }
  account_->inotify_instances.fetch_sub_relaxed(1);
}

InotifyWatch* InotifyQueue::find_locked(int32_t number) {
  InotifyWatch* found =
      watches_.lower_bound([&](const InotifyWatch& watch) { return watch.number < number; });
  return found != nullptr && found->number == number ? found : nullptr;
}

Result<int32_t> InotifyQueue::add_watch(Inode& inode, uint32_t mask) {
  constexpr uint32_t kKept = kAllEvents | inotify::kExcludeUnlinked | inotify::kOneShot;
  InodeWatches* of_inode = TRY(watches_of(inode));
  Optional<Ref<InotifyWatch>> fresh;
  for (;;) {
    {
      Guard guard(inode.attribute_lock);
      for (InotifyWatch& watch : of_inode->list) {
        if (&watch.queue != this) continue;
        if ((mask & inotify::kMaskCreate) != 0) return Errno::Exist;
        watch.mask = ((mask & inotify::kMaskAdd) != 0 ? watch.mask : 0) | (mask & kKept);
        of_inode->update_events();
        return watch.number;
      }
      if (fresh) {
        fresh->mask = mask & kKept;
        put_on_locked(*fresh, inode);
        int32_t number = fresh->number;
        fresh.take().leak();  // the lists' reference
        return number;
      }
    }
    const Ref<UserAccount>& account = vfs::acting_credentials().account;
    if (account->inotify_watches.load_relaxed() >= inotify::max_user_watches())
      return Errno::NoSpc;
    fresh = TRY(make_ref<InotifyWatch>(*this, inode, account));
  }
}

// Numbers grow, and come again only when all have been used.
void InotifyQueue::put_on_locked(InotifyWatch& watch, Inode& inode) {
  InodeWatches& of_inode = *inode.watches.load_relaxed();
  of_inode.list.push_back(watch);
  of_inode.update_events();
  {
    Guard guard(watch.super_block->watch_lock);
    watch.super_block->watches.push_front(watch);
  }
  notify::watch_count.fetch_add_relaxed(1);
  Guard guard(lock_);
  while (find_locked(next_number_) != nullptr) next_number_ = next_number_ % INT32_MAX + 1;
  watch.number = next_number_;
  next_number_ = next_number_ % INT32_MAX + 1;
  watches_.insert(watch);
}

void InotifyQueue::take_off_locked(InotifyWatch& watch, Inode& inode) {
  InodeWatches& of_inode = *inode.watches.load_relaxed();
  of_inode.list.remove(watch);
  of_inode.update_events();
  {
    Guard guard(watch.super_block->watch_lock);
    watch.super_block->watches.remove(watch);
  }
  notify::watch_count.fetch_sub_relaxed(1);
  {
    Guard guard(lock_);
    watches_.remove(watch);
  }
  push(watch.number, notify::kIgnored, 0, {});
}

// Unless somebody else has done so.
void InotifyQueue::remove(Ref<InotifyWatch> watch) {
  {
    Inode& inode = *watch->inode;
    Guard guard(inode.attribute_lock);
    if (!watch->is_on()) return;
    take_off_locked(*watch, inode);
  }
  watch->unref();
}

Result<> InotifyQueue::remove_watch(int32_t number) {
  Optional<Ref<InotifyWatch>> watch;
  {
    Guard guard(lock_);
    InotifyWatch* found = find_locked(number);
    if (found == nullptr) return Errno::Inval;
    watch = Ref<InotifyWatch>(*found);
  }
  remove(watch.take());
  return {};
}

void InotifyQueue::push(int32_t watch, uint32_t events, uint32_t cookie, StringView name) {
  InotifyEvent* event = InotifyEvent::make(watch, events, cookie, name);
  InotifyEvent* superfluous = nullptr;
  {
    Guard guard(lock_);
    InotifyEvent* last = events_.back();
    if (event == nullptr || event_count_ >= event_limit_) {
      superfluous = event;
      event = &overflow_;
      if (overflow_.is_linked()) event = nullptr;
    } else if (last != nullptr && event->is_like(*last)) {
      superfluous = std::exchange(event, nullptr);
    }
    if (event != nullptr) {
      events_.push_back(*event);
      ++event_count_;
    }
  }
  if (superfluous != nullptr) InotifyEvent::destroy(superfluous);
  if (event != nullptr) readers_.wake();
}

Result<InotifyEvent*> InotifyQueue::pop(size_t room) {
  Guard guard(lock_);
  InotifyEvent* event = events_.front();
  if (event == nullptr) return event;
  if (event->read_size() > room) return Errno::Inval;
  events_.remove(*event);
  --event_count_;
  return event;
}

namespace {

Result<> put_event(IoBuffer& buffer, const InotifyEvent& event) {
  struct {
    int32_t watch;
    uint32_t events, cookie, size;
  } header{event.watch, event.events, event.cookie, static_cast<uint32_t>(event.padded_name())};
  static_assert(sizeof header == InotifyEvent::kHeader);
  size_t moved = TRY(buffer.put(&header, sizeof header));
  if (event.name_size != 0) {
    moved += TRY(buffer.put(event.name, event.name_size));
    moved += TRY(buffer.put_zeros(event.padded_name() - event.name_size));
  }
  return moved == event.read_size() ? Result<>() : Errno::Fault;
}

}  // namespace

// Whole events, as many as fit; it waits for the first one only.
Result<size_t> InotifyQueue::read(IoBuffer& buffer, uint64_t) {
  size_t total = 0;
  for (;;) {
    Result<InotifyEvent*> popped = pop(buffer.remaining());
    if (!popped.ok()) return total != 0 ? Result<size_t>(total) : popped.error();
    InotifyEvent* event = *popped;
    if (event == nullptr) {
      if (total != 0) return total;
      if (nonblocking()) return Errno::Again;
      TRY(readers_.wait([this] {
        Guard guard(lock_);
        return !events_.empty();
      }));
      continue;
    }
    Result<> put = put_event(buffer, *event);
    total += event->read_size();
    if (event != &overflow_) InotifyEvent::destroy(event);
    if (!put.ok()) return put.error();
  }
}

uint32_t InotifyQueue::poll(PollRegistration* registration) {
  if (registration != nullptr) registration->wait_on(readers_);
  Guard guard(lock_);
  return events_.empty() ? 0 : kPollIn | kPollRdNorm;
}

Result<int64_t> InotifyQueue::ioctl(uint32_t request, uint64_t argument) {
  if (request == kBytesQueued) {
    size_t bytes = 0;
    {
      Guard guard(lock_);
      for (InotifyEvent& event : events_) bytes += event.read_size();
    }
    TRY(UserOut<int32_t>(UserAddr{argument}).write(static_cast<int32_t>(bytes)));
    return 0;
  }
  if (request != kSetNextNumber) return Errno::NoTty;
  if (argument < 1 || argument > INT32_MAX) return Errno::Inval;
  Guard guard(lock_);
  next_number_ = static_cast<int32_t>(argument);
  return 0;
}

// Linux adds the file handle of the inode, which nothing here has.
void InotifyQueue::show_info(FormatSink& sink) {
  Optional<Ref<InotifyWatch>> watch;
  for (int32_t least = 0;; least = watch->number + 1) {
    {
      Guard guard(lock_);
      InotifyWatch* found =
          watches_.lower_bound([&](const InotifyWatch& each) { return each.number < least; });
      if (found == nullptr) return;
      watch = Ref<InotifyWatch>(*found);
    }
    Inode& inode = *watch->inode;
    uint32_t mask;
    {
      Guard guard(inode.attribute_lock);
      if (!watch->is_on()) continue;
      mask = watch->mask;
    }
    format(sink, "inotify wd:{x} ino:{x} sdev:{x} mask:{x} ignored_mask:0 \n", watch->number,
           inode.number(), inode.super_block().device().kernel_form(), mask);
  }
}

namespace inotify {
namespace {

InotifyQueue& queue_of(File& file) { return static_cast<InotifyQueue&>(file); }

}  // namespace

Result<Ref<File>> create(uint32_t flags) {
  const Ref<UserAccount>& account = vfs::acting_credentials().account;
  if (account->inotify_instances.load_relaxed() >= max_user_instances()) return Errno::MFile;
  Path path = TRY(anonymous::make_place(anonymous::Kind::Event, "anon_inode:inotify", false));
  uint32_t status = (flags & kOpenNonBlock) | kOpenReadOnly;
  return Ref<File>(TRY(make_ref<InotifyQueue>(std::move(path), status, account)));
}

Result<> check_kind(const File& file) {
  return file.kind() == &InotifyQueue::kKind ? Result<>() : Errno::Inval;
}

Result<int32_t> add_watch(File& file, Inode& inode, uint32_t mask) {
  return queue_of(file).add_watch(inode, mask);
}

Result<> remove_watch(File& file, int32_t number) { return queue_of(file).remove_watch(number); }

uint64_t max_queued_events() { return limits.queued_events.load_relaxed(); }
void set_max_queued_events(uint64_t count) { limits.queued_events.store_relaxed(count); }
uint64_t max_user_instances() { return limits.instances.load_relaxed(); }
void set_max_user_instances(uint64_t count) { limits.instances.store_relaxed(count); }
void set_max_user_watches(uint64_t count) { limits.watches.store_relaxed(count + 1); }

// As Linux: a hundredth of the memory, counting the inodes that they keep.
uint64_t max_user_watches() {
  constexpr uint64_t kLeast = 8192, kMost = 1048576;
  uint64_t limit = limits.watches.load_relaxed();
  if (limit != 0) return limit - 1;
  uint64_t cost = sizeof(InotifyWatch) + 2 * sizeof(Inode);
  uint64_t count = frames::total_pages() * kPageSize / 100 / cost;
  return count < kLeast ? kLeast : count < kMost ? count : kMost;
}

}  // namespace inotify
}  // namespace kernel
