// SPDX-License-Identifier: MIT
// See epoll_set.h.
//
// An event is never lost: collect_locked() takes the mark of an item before its file is asked, so a
// wake-up behind that pushes the item again, and one before it has changed what the file says.

#include "fs/event/epoll_set.h"

#include "fs/vfs/identity.h"
#include "lib/format.h"

namespace kernel {
namespace {

constexpr uint32_t kAlways = kPollErr | kPollHup;
// What is left of the events when kEpollOneShot has fired: nothing that a wake-up could match.
constexpr uint32_t kModes = kEpollWakeUp | kEpollOneShot | kEpollEdgeTriggered | kEpollExclusive;

}  // namespace

// --- One watched file.

EpollItem::EpollItem(EpollSet& set, File& file, Fd fd, Ref<UserAccount> account)
    : set_(set), file_(file), fd_(fd), inner_(EpollSet::of(file)), account_(std::move(account)) {
  account_->epoll_watches.fetch_add_relaxed(1);
}

EpollItem::~EpollItem() { account_->epoll_watches.fetch_sub_relaxed(1); }

// By File::poll, once, when the item is added.
void EpollItem::wait_on(WaitQueue& queue) {
  bool exclusive = has(kEpollExclusive);
  if (!first_hook_) {
    queue.add(first_hook_.emplace(*this, exclusive));
    return;
  }
  Result<Owned<Hook>> made = make_owned<Hook>(*this, exclusive);
  if (!made.ok()) {
    hooks_failed_ = true;
    return;
  }
  Hook* hook = std::move(made).take().leak();
  hook->next = std::exchange(more_hooks_, hook);
  queue.add(*hook);
}

// No wake-up comes any more behind this.
void EpollItem::unhook() {
  if (first_hook_) first_hook_->leave();
  while (more_hooks_ != nullptr) {
    Owned<Hook> hook = Owned<Hook>::adopt(std::exchange(more_hooks_, more_hooks_->next));
    hook->leave();
  }
}

// Under the lock of one of the file's queues, in any context. Whether an exclusive wake-up was of
// use to somebody, as Linux decides it.
bool EpollItem::fire(uint32_t events) {
  uint32_t wanted = events_.load_relaxed();
  if ((wanted & ~kModes) == 0) return false;
  if (events != 0 && (events & wanted) == 0) return false;
  set_->push_fired(*this);
  uint32_t direction = events & (kPollIn | kPollOut);
  bool of_use = direction == 0 || direction == (kPollIn | kPollOut) || (direction & wanted) != 0;
  bool waiting = set_->waiters_.has_waiters();
  set_->waiters_.wake();
  set_->pollers_.wake_all(kPollIn);
  return waiting && of_use;
}

uint32_t EpollItem::poll(PollRegistration* registration, unsigned depth) {
  uint32_t events =
      inner_ != nullptr ? inner_->poll(registration, depth) : file_.poll(registration);
  return events & events_.load_relaxed();
}

// --- The set.

void EpollSet::push_fired(EpollItem& item) {
  if (item.has_fired_.exchange_acq_rel(true)) return;
  EpollItem* first = fired_.load_relaxed();
  do {
    item.next_fired_ = first;
  } while (!fired_.compare_exchange_acq_rel(first, &item));
}

// What has fired goes behind what is ready, the oldest first.
void EpollSet::collect_locked() {
  if (fired_.load_relaxed() == nullptr) return;
  EpollItem* oldest = nullptr;
  for (EpollItem* item = fired_.exchange_acq_rel(nullptr); item != nullptr;) {
    EpollItem* older = std::exchange(item->next_fired_, oldest);
    oldest = std::exchange(item, older);
  }
  while (oldest != nullptr) {
    EpollItem* item = std::exchange(oldest, oldest->next_fired_);
    item->has_fired_.exchange_acq_rel(false);  // acquires what the wake-ups so far tell of
    if (!item->is_ready()) ready_.push_back(*item);
  }
}

EpollItem* EpollSet::find_locked(const File& file, Fd fd) {
  EpollItem* found = items_.lower_bound([&](const EpollItem& item) {
    return &item.file_ != &file ? &item.file_ < &file : item.fd_ < fd;
  });
  return found != nullptr && &found->file_ == &file && found->fd_ == fd ? found : nullptr;
}

Result<> EpollSet::add_locked(File& target, Fd fd, EpollEvent event) {
  if (find_locked(target, fd) != nullptr) return Errno::Exist;
  const Ref<UserAccount>& account = vfs::acting_credentials().account;
  if (account->epoll_watches.load_relaxed() >= epoll::max_user_watches()) return Errno::NoSpc;
  EpollItem& item = *TRY(make_owned<EpollItem>(*this, target, fd, account)).leak();
  item.events_.store_relaxed(event.events | kAlways);
  item.data_ = event.data;
  items_.insert(item);
  {
    Guard guard(target.inode().attribute_lock);
    target.watchers.push_back(item);
    target.is_watched.store_relaxed(true);
  }
  uint32_t events = item.poll(&item, 1);
  if (item.hooks_failed_) {
    remove_locked(item);
    return Errno::NoMem;
  }
  if (events != 0 && !item.is_ready()) ready_.push_back(item);
  publish_locked();
  return {};
}

Result<> EpollSet::add(File& target, Fd fd, EpollEvent event) {
  // A set that watches or is watched: nobody else changes who watches whom meanwhile.
  bool nested = of(target) != nullptr || file_.is_watched.load_relaxed();
  if (nested) {
    TRY(add_nested(target, fd, event));
  } else {
    Guard guard(lock_);
    TRY(add_locked(target, fd, event));
  }
  if (has_ready_.load_relaxed()) {
    waiters_.wake();
    pollers_.wake_all(kPollIn);
  }
  return {};
}

Result<> EpollSet::modify(File& target, Fd fd, EpollEvent event) {
  {
    Guard guard(lock_);
    EpollItem* item = find_locked(target, fd);
    if (item == nullptr) return Errno::NoEnt;
    if (item->has(kEpollExclusive)) return Errno::Inval;
    item->events_.store_relaxed(event.events | kAlways);
    item->data_ = event.data;
    full_fence();  // a wake-up sees the new events, or the file says here what it was for
    if (item->poll(nullptr, 1) == 0 || item->is_ready()) return {};
    ready_.push_back(*item);
    publish_locked();
  }
  waiters_.wake();
  pollers_.wake_all(kPollIn);
  return {};
}

Result<> EpollSet::remove(File& target, Fd fd) {
  Guard guard(lock_);
  EpollItem* item = find_locked(target, fd);
  if (item == nullptr) return Errno::NoEnt;
  remove_locked(*item);
  return {};
}

void EpollSet::remove_locked(EpollItem& item) {
  item.unhook();
  if (item.has_fired_.load_acquire()) collect_locked();
  if (item.is_ready()) ready_.remove(item);
  publish_locked();
  items_.remove(item);
  {
    Guard guard(item.file_.inode().attribute_lock);
    item.file_.watchers.remove(item);
  }
  delete &item;  // the caller holds this set as well
}

// All descriptors of the file: dup(2) makes them, and each may have been added.
void EpollSet::forget(File& target) {
  auto before = [&](const EpollItem& item) { return &item.file_ < &target; };
  Guard guard(lock_);
  EpollItem* item;
  while ((item = items_.lower_bound(before)) != nullptr && &item->file_ == &target) {
    remove_locked(*item);
  }
}

void EpollSet::clear() {
  Guard guard(lock_);
  while (EpollItem* item = items_.first()) remove_locked(*item);
}

// As many as fit. What is level-triggered goes to the end of the list; when it comes round again
// within one transfer, that transfer has seen everything. `fault_at`: how far behind the cursor the
// buffer is not accessible.
size_t EpollSet::send_locked(IoBuffer& to, uint64_t transfer, std::optional<size_t>& fault_at) {
  size_t sent = 0;
  collect_locked();
  while (to.remaining() >= sizeof(EpollEvent)) {
    EpollItem* item = ready_.front();
    if (item == nullptr || item->sent_in_ == transfer) break;
    ready_.remove(*item);
    uint32_t events = item->poll(nullptr, 1);
    if (events == 0) continue;
    EpollEvent event{events, 0, item->data_};
    size_t moved = to.put_nofault(&event, sizeof event);
    if (moved < sizeof event) {
      to.rewind(moved);
      ready_.push_front(*item);
      fault_at = moved;
      break;
    }
    item->sent_in_ = transfer;
    ++sent;
    if (item->has(kEpollOneShot)) {
      item->events_.store_relaxed(item->events_.load_relaxed() & kModes);
    } else if (!item->has(kEpollEdgeTriggered)) {
      ready_.push_back(*item);
    }
  }
  publish_locked();
  return sent;
}

Result<size_t> EpollSet::send(IoBuffer& to) {
  uint64_t transfer = 0;
  size_t sent = 0;
  for (;;) {
    std::optional<size_t> fault_at;
    bool more;
    {
      Guard guard(lock_);
      if (transfer == 0) transfer = ++transfers_;
      sent += send_locked(to, transfer, fault_at);
      more = !ready_.empty();
    }
    if (more) waiters_.wake();
    if (!fault_at) return sent;
    to.skip(*fault_at);
    Result<> accessible = to.fault_in(true);
    to.rewind(*fault_at);
    if (accessible.ok()) continue;
    return sent != 0 ? Result<size_t>(sent) : accessible.error();
  }
}

Result<size_t> EpollSet::wait(IoBuffer& to, epoll::Patience patience, Deadline deadline) {
  for (;;) {
    if (may_have_events()) {
      size_t sent = TRY(send(to));
      if (sent != 0) return sent;
    }
    if (patience == epoll::Patience::None) return size_t{0};
    Result<> waited = waiters_.wait([this] { return may_have_events(); }, WaitMode::Interruptible,
                                    deadline, /*exclusive=*/true);
    if (waited.failed_with(Errno::TimedOut)) return size_t{0};
    if (!waited.ok()) return Errno::Intr;  // whatever SA_RESTART says (signal(7))
  }
}

uint32_t EpollSet::poll(PollRegistration* registration, unsigned depth) {
  if (registration != nullptr) registration->wait_on(pollers_);
  Guard guard(lock_, depth);
  collect_locked();
  uint32_t events = 0;
  while (EpollItem* item = ready_.front()) {
    if (item->poll(nullptr, depth + 1) != 0) {
      events = kPollIn | kPollRdNorm;
      break;
    }
    ready_.remove(*item);
  }
  publish_locked();
  return events;
}

void EpollSet::show(FormatSink& sink) {
  Guard guard(lock_);
  for (EpollItem* item = items_.first(); item != nullptr; item = items_.next(*item)) {
    Inode& inode = item->file_.inode();
    format(sink, "tfd: {:8} events: {:8x} data: {:16x}  pos:{} ino:{:x} sdev:{:x}\n", item->fd_,
           item->events_.load_relaxed(), item->data_, item->file_.position_hint(), inode.number(),
           inode.super_block().device().kernel_form());
  }
}

}  // namespace kernel
