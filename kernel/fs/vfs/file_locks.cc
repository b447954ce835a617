// SPDX-License-Identifier: MIT
// See file_locks.h. Deadlocks are found for POSIX locks only, as on Linux: among the owners that
// wait.

#include "fs/vfs/file_locks.h"

#include "fs/vfs/super_block.h"

namespace kernel {
namespace {

// An owner that waits, and the one it waits for.
struct WaitingOwner : ListNode<WaitingOwner> {
  const void* owner = nullptr;
  const void* blocked_by = nullptr;
};

constinit SpinLock<LockRank::Leaf> waiting_lock;
constinit List<WaitingOwner> waiting GUARDED_BY(waiting_lock);

const void* blocker_of_locked(const void* owner) REQUIRES(waiting_lock) {
  for (WaitingOwner& entry : waiting) {
    if (entry.owner == owner) return entry.blocked_by;
  }
  return nullptr;
}

// Notes that `entry.owner` waits for `blocker`, unless that closes a circle.
Result<> note_waiting(WaitingOwner& entry, const void* blocker) {
  constexpr int kLongestChain = 64;
  Guard guard(waiting_lock);
  const void* at = blocker;
  for (int i = 0; at != nullptr && i < kLongestChain; ++i) {
    if (at == entry.owner) return Errno::DeadLk;
    at = blocker_of_locked(at);
  }
  entry.blocked_by = blocker;
  if (!entry.is_linked()) waiting.push_back(entry);
  return {};
}

void forget_waiting(WaitingOwner& entry) {
  Guard guard(waiting_lock);
  if (entry.is_linked()) waiting.remove(entry);
}

// Those of every inode that has ever been locked.
constinit SpinLock<LockRank::FileLocks> everywhere_lock;
constinit List<FileLocks> everywhere GUARDED_BY(everywhere_lock);

bool overlaps(const FileLocks::Request& a, const FileLocks::Request& b) {
  return a.start <= b.end && b.start <= a.end;
}

// POSIX and open-file locks stand in each other's way; flock is a world of its own.
bool same_family(FileLocks::Kind a, FileLocks::Kind b) {
  return (a == FileLocks::Kind::Flock) == (b == FileLocks::Kind::Flock);
}

bool same_owner(const FileLocks::Request& a, const FileLocks::Request& b) {
  return a.kind == b.kind && a.owner == b.owner;
}

}  // namespace

Result<FileLocks*> FileLocks::of(Inode& inode) {
  FileLocks* present = inode.locks.load_acquire();
  if (present != nullptr) return present;
  Owned<FileLocks> made = TRY(make_owned<FileLocks>(inode));
  if (inode.locks.compare_exchange_acq_rel(present, made.get())) return std::move(made).leak();
  return present;
}

FileLocks::FileLocks(const Inode& inode)
    : device_(inode.super_block().device()), inode_(inode.number()) {
  Guard guard(everywhere_lock);
  everywhere.push_back(*this);
}

FileLocks::~FileLocks() {
  {
    Guard guard(everywhere_lock);
    everywhere.remove(*this);
  }
  Guard guard(lock_);
  while (Record* record = records_.front()) drop_locked(*record);
}

Result<> FileLocks::Spare::fill() {
  for (Optional<Owned<Record>>& record : records) {
    if (!record) record = TRY(make_owned<Record>());
  }
  return {};
}

FileLocks::Record& FileLocks::Spare::take() {
  Optional<Owned<Record>>& record = records[0] ? records[0] : records[1];
  return *record.take().leak();
}

FileLocks::Record* FileLocks::find_conflict_locked(const Request& request) {
  if (request.type == Type::Unlock) return nullptr;
  for (Record& record : records_) {
    const Request& held = record.request;
    if (!same_family(held.kind, request.kind) || same_owner(held, request) ||
        !overlaps(held, request))
      continue;
    if (held.type == Type::Write || request.type == Type::Write) return &record;
  }
  return nullptr;
}

void FileLocks::drop_locked(Record& record) {
  records_.remove(record);
  Owned<Record> gone = Owned<Record>::adopt(&record);
}

// Takes the request's range out of what its owner holds. One record may become two.
void FileLocks::carve_locked(const Request& request, Spare& spare) {
  Record* next = nullptr;
  for (Record* record = records_.front(); record != nullptr; record = next) {
    next = records_.next(*record);
    Request& held = record->request;
    if (!same_owner(held, request) || !overlaps(held, request)) continue;
    bool before = held.start < request.start;
    bool behind = held.end > request.end;
    if (before && behind) {
      Record& tail = spare.take();
      tail.request = held;
      tail.request.start = request.end + 1;
      held.end = request.start - 1;
      records_.insert_after(*record, tail);
    } else if (before) {
      held.end = request.start - 1;
    } else if (behind) {
      held.start = request.end + 1;
    } else {
      drop_locked(*record);
    }
  }
}

void FileLocks::apply_locked(const Request& request, Spare& spare) {
  carve_locked(request, spare);
  if (request.type == Type::Unlock) return;
  Request merged = request;
  Record* next = nullptr;
  for (Record* record = records_.front(); record != nullptr; record = next) {
    next = records_.next(*record);
    const Request& held = record->request;
    if (!same_owner(held, request) || held.type != request.type) continue;
    bool touches_before = held.end + 1 == merged.start;
    bool touches_behind = merged.end + 1 == held.start;
    if (!touches_before && !touches_behind) continue;
    if (touches_before) merged.start = held.start;
    if (touches_behind) merged.end = held.end;
    drop_locked(*record);
  }
  Record& added = spare.take();
  added.request = merged;
  Record* behind = records_.front();
  while (behind != nullptr && behind->request.start < merged.start) behind = records_.next(*behind);
  if (behind != nullptr) {
    records_.insert_before(*behind, added);
  } else {
    records_.push_back(added);
  }
}

Result<> FileLocks::try_set(const Request& request, Spare& spare, const void*& blocker) {
  Guard guard(lock_);
  Record* obstacle = find_conflict_locked(request);
  if (obstacle != nullptr) {
    blocker = obstacle->request.owner;
    return Errno::Again;
  }
  apply_locked(request, spare);
  return {};
}

Result<> FileLocks::set(const Request& request, bool wait) {
  Spare spare;
  TRY(spare.fill());
  const void* blocker = nullptr;
  // flock(2): changing the type is not atomic, the old lock goes first.
  if (request.kind == Kind::Flock) {
    Request present = request;
    bool had = false;
    {
      Guard guard(lock_);
      for (Record& record : records_) {
        if (!same_owner(record.request, request)) continue;
        had = true;
        present.type = record.request.type;
      }
    }
    if (had && present.type == request.type) return {};
    if (had) release(Kind::Flock, request.owner);
  }
  Result<> result = try_set(request, spare, blocker);
  if (result.ok() || !wait) {
    if (result.ok()) changed_.wake_all();
    return result;
  }

  return wait_for(request, spare, blocker);
}

Result<> FileLocks::wait_for(const Request& request, Spare& spare, const void* blocker) {
  Waiting shown;
  shown.request = request;
  {
    Guard guard(lock_);
    waiting_.push_back(shown);
  }
  WaitingOwner entry;
  entry.owner = request.owner;
  Result<> outcome;
  Result<> waited = changed_.wait([&] {
    outcome = try_set(request, spare, blocker);
    if (outcome.ok()) return true;
    if (request.kind == Kind::Posix) {
      Result<> noted = note_waiting(entry, blocker);
      if (!noted.ok()) {
        outcome = noted;
        return true;
      }
    }
    return false;
  });
  forget_waiting(entry);
  {
    Guard guard(lock_);
    waiting_.remove(shown);
  }
  if (!waited.ok()) return waited;
  if (outcome.ok()) changed_.wake_all();  // a downgrade may let others in
  return outcome;
}

// As far as there is room in `to`.
void FileLocks::show_locked(Vector<Shown>& to) {
  auto show = [&](const Request& request, bool waits) {
    if (to.size() < to.capacity()) to.append_reserved({request, waits, device_, inode_});
  };
  for (Record& record : records_) {
    show(record.request, false);
    for (Waiting& waiter : waiting_) {
      if (find_conflict_locked(waiter.request) == &record) show(waiter.request, true);
    }
  }
}

Result<Vector<FileLocks::Shown>> FileLocks::all() {
  for (size_t room = 64;; room *= 2) {
    Vector<Shown> result;
    TRY(result.reserve(room));
    {
      Guard guard(everywhere_lock);
      for (FileLocks& locks : everywhere) {
        Guard inner(locks.lock_);
        locks.show_locked(result);
      }
    }
    if (result.size() < room) return result;  // else there may be more
  }
}

std::optional<FileLocks::Request> FileLocks::conflict(const Request& request) {
  Guard guard(lock_);
  Record* obstacle = find_conflict_locked(request);
  if (obstacle == nullptr) return {};
  return obstacle->request;
}

void FileLocks::release(Kind kind, const void* owner) {
  bool any = false;
  {
    Guard guard(lock_);
    Record* next = nullptr;
    for (Record* record = records_.front(); record != nullptr; record = next) {
      next = records_.next(*record);
      if (record->request.kind != kind || record->request.owner != owner) continue;
      drop_locked(*record);
      any = true;
    }
  }
  if (any) changed_.wake_all();
}

void release_posix_locks(Inode& inode, const void* table) {
  FileLocks* locks = inode.locks.load_acquire();
  if (locks != nullptr) locks->release(FileLocks::Kind::Posix, table);
}

void release_open_file_locks(Inode& inode, const File* file) {
  FileLocks* locks = inode.locks.load_acquire();
  if (locks == nullptr) return;
  locks->release(FileLocks::Kind::OpenFile, file);
  locks->release(FileLocks::Kind::Flock, file);
}

}  // namespace kernel
