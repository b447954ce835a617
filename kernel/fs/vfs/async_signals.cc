// SPDX-License-Identifier: MIT
// See async_signals.h.

#include "fs/vfs/async_signals.h"

#include "fs/vfs/file.h"
#include "fs/vfs/identity.h"
#include "task/process_tree.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

// si_band: the events as poll(2) would give them.
uint64_t band_of(FileEvent event) {
  switch (event) {
    case FileEvent::In: return kPollIn | kPollRdNorm;
    case FileEvent::Out: return kPollOut | kPollWrNorm | kPollWrBand;
    case FileEvent::Message: return kPollIn | kPollRdNorm | kPollMsg;
  }
  return 0;
}

// Signals whose codes mean something else say SI_SIGIO.
constexpr SignalSet kOwnCodes{Signal::Ill,  Signal::Fpe, Signal::Segv, Signal::Bus,
                              Signal::Trap, Signal::Chld, Signal::Sys};

}  // namespace

void FileOwner::set_locked(Optional<Ref<Pid>>& pid, Kind kind) {
  const Credentials& credentials = current_task().credentials();
  std::swap(pid_, pid);
  kind_ = kind;
  uid_ = credentials.uid;
  effective_uid_ = credentials.euid;
}

// The reference that was there before goes behind the lock.
void FileOwner::set(Optional<Ref<Pid>> pid, Kind kind) {
  Guard guard(lock_);
  set_locked(pid, kind);
}

void FileOwner::set_default(Ref<Pid> pid, Kind kind) {
  Optional<Ref<Pid>> wanted(std::move(pid));
  Guard guard(lock_);
  if (!pid_) set_locked(wanted, kind);
}

FileOwner::Shown FileOwner::get() const {
  Guard guard(lock_);
  if (!pid_) return {kind_, 0};
  bool present;
  if (kind_ == Kind::Group) {
    Guard tree(task::tree_lock);
    present = !ProcessTree::members(*pid_).empty();
  } else {
    RcuReadGuard rcu;
    present = pid_->task() != nullptr;
  }
  return {kind_, present ? pid_->number() : 0};
}

void FileOwner::send(int32_t fd, FileEvent event) {
  Guard guard(lock_);
  if (!pid_) return;
  auto signal = static_cast<Signal>(signal_.load_relaxed());
  SignalInfo queued{.signal = signal, .code = static_cast<int32_t>(event)};
  if (kOwnCodes.has(signal)) queued.code = kSiSigIo;
  queued.value = band_of(event);
  queued.status = fd;
  // As kill(2) would be allowed to whoever set the owner.
  auto allowed = [this](const Task& task) REQUIRES(lock_) {
    const Credentials& theirs = task.credentials();
    return effective_uid_ == 0 || effective_uid_ == theirs.suid || effective_uid_ == theirs.uid ||
           uid_ == theirs.suid || uid_ == theirs.uid;
  };
  // One that finds no room in the queue becomes a SIGIO.
  auto post = [&](auto post_one) {
    if (signal != Signal::None && post_one(queued).ok()) return;
    ignore(post_one(kernel_signal(Signal::Io)));
  };
  auto post_process = [&](ThreadGroup& group) {
    post([&](const SignalInfo& info) { return post_signal(group, info); });
  };
  if (kind_ == Kind::Group) {
    Guard tree(task::tree_lock);
    RcuReadGuard rcu;
    ProcessTree::note_group_signal(*pid_);
    for (ThreadGroup& group : ProcessTree::members(*pid_)) {
      const Task* leader = __atomic_load_n(&group.leader, __ATOMIC_ACQUIRE);
      if (leader != nullptr && allowed(*leader)) post_process(group);
    }
    return;
  }
  RcuReadGuard rcu;
  Task* task = pid_->task();
  if (task == nullptr || !allowed(*task)) return;
  if (kind_ == Kind::Process) {
    post_process(task->group());
  } else {
    post([&](const SignalInfo& info) { return post_signal_to_task(*task, info); });
  }
}

AsyncQueue::Entry* AsyncQueue::find_locked(const File& file) {
  for (Entry& entry : files_) {
    if (&entry.file == &file) return &entry;
  }
  return nullptr;
}

Result<> AsyncQueue::add(File& file, int32_t fd) {
  Owned<Entry> made = TRY(make_owned<Entry>(file, fd));
  Guard guard(lock_);
  if (Entry* present = find_locked(file)) {
    present->fd = fd;
    return {};
  }
  files_.push_back(*std::move(made).leak());
  count_.fetch_add_relaxed(1);
  return {};
}

void AsyncQueue::remove(File& file) {
  if (count_.load_acquire() == 0) return;
  Entry* gone;
  {
    Guard guard(lock_);
    gone = find_locked(file);
    if (gone == nullptr) return;
    files_.remove(*gone);
    count_.fetch_sub_relaxed(1);
  }
  delete gone;
}

void AsyncQueue::clear() {
  for (;;) {
    Entry* gone;
    {
      Guard guard(lock_);
      gone = files_.front();
      if (gone == nullptr) return;
      files_.remove(*gone);
      count_.fetch_sub_relaxed(1);
      gone->file.change_flags(kOpenAsync, 0);
    }
    delete gone;
  }
}

void AsyncQueue::notify(FileEvent event) {
  if (count_.load_acquire() == 0) return;
  Guard guard(lock_);
  for (Entry& entry : files_) entry.file.owner.send(entry.fd, event);
}

}  // namespace kernel
