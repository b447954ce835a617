// SPDX-License-Identifier: MIT
// Futexes that inherit priorities (futex(2), "Priority-inheritance futexes"). The word is the
// owner's thread id, with bits for "somebody waits" and "the owner died". Where somebody waits
// there is a Lock: who owns it, and who waits. It goes with the last waiter.
//
// The bucket's lock guards the word, as far as the kernel changes it, and which lock is where; the
// lock of priority inheritance, below it, who owns and who waits. A thread that ends knows no
// addresses: it names its successor under the latter alone, and the successor writes the word.

#include "arch/user_copy.h"
#include "sched/priority_inheritance.h"
#include "task/task.h"
#include "vm/futex_internal.h"
#include "vm/user_copy.h"

namespace kernel::futex {
namespace {

constexpr uint32_t kWaiters = 0x8000'0000, kOwnerDied = 0x4000'0000, kTidMask = 0x3fff'ffff;

struct Lock : InheritingLock {
  uint32_t users = 0;          // waiters in the bucket; its lock
  bool owner_is_new = false;   // has not written the word yet; lock of priority inheritance
};

struct LockingWaiter : Waiter, LockWaiter {
  LockingWaiter() : LockWaiter(current()) { thread = &current(); }
  Lock* lock_state = nullptr;  // while kind is Lock; the bucket's lock
  Key target;                  // of kind Move: the lock's
  bool owner_died = false;     // was made owner by a thread's end
  bool owns() const { return woken.load_acquire(); }
};

uint32_t tid_of(const Thread& thread) {
  return static_cast<uint32_t>(static_cast<const Task&>(thread).tid());
}

// What an attempt under the bucket's lock came to, if not to an error.
enum class Step : uint8_t { Acquired, Waits, Fault, Again };

// The word when it is still `expected`.
Step change_word(UserAddr word, uint32_t expected, uint32_t desired) {
  uint32_t seen = expected;
  if (!arch::compare_exchange_user_u32(word, seen, desired)) return Step::Fault;
  return seen == expected ? Step::Acquired : Step::Again;
}

LockingWaiter* first_waiter(Bucket& bucket, const Key& key, bool& any) REQUIRES(bucket.lock) {
  any = false;
  for (Waiter& waiter : bucket.waiters) {
    if (!(waiter.key == key)) continue;
    any = true;
    return waiter.kind == Waiter::Kind::Plain ? nullptr : static_cast<LockingWaiter*>(&waiter);
  }
  return nullptr;
}

// One thread's way to one lock, in one look at it.
struct Attempt {
  UserAddr word;
  const Key& key;
  Task* owner;    // who the word named when it was looked at last; null: nobody
  Lock* spare;    // what becomes the lock when there is none
  Lock* lock = nullptr;  // what the thread may wait for

  // `thread` gets the lock, or must wait. `mark`: others will wait for it.
  Result<Step> run_locked(Bucket& bucket, Thread& thread, bool mark) REQUIRES(bucket.lock);
  // Puts a thread into the line of `lock`. Again: the owner ended since run_locked(), when nobody
  // was there yet to get the lock.
  Result<Step> block(LockingWaiter& waiter) REQUIRES(PriorityInheritance::lock);
  bool is_fresh() const { return lock == spare; }

 private:
  Result<Step> join_present(Lock& present, uint32_t value);
  Result<Step> join_owner(uint32_t value);
  Step take_free(uint32_t value, Thread& thread, bool mark);
};

Result<Step> Attempt::run_locked(Bucket& bucket, Thread& thread, bool mark) {
  uint32_t value;
  if (!arch::load_user_u32(word, value)) return Step::Fault;
  if ((value & kTidMask) == tid_of(thread)) return Errno::DeadLk;
  bool any;
  LockingWaiter* present = first_waiter(bucket, key, any);
  if (any) {
    if (present == nullptr || present->kind != Waiter::Kind::Lock) return Errno::Inval;
    return join_present(*present->lock_state, value);
  }
  if ((value & kTidMask) == 0) return take_free(value, thread, mark);
  return join_owner(value);
}

// The word must say what the kernel knows.
Result<Step> Attempt::join_present(Lock& present, uint32_t value) {
  Guard guard(PriorityInheritance::lock);
  uint32_t tid = value & kTidMask;
  bool died = (value & kOwnerDied) != 0 && tid == 0;
  bool known = present.owner() != nullptr && tid_of(*present.owner()) == tid;
  if (!present.owner_is_new && !died && !known) return Errno::Inval;
  lock = &present;
  return Step::Waits;
}

Step Attempt::take_free(uint32_t value, Thread& thread, bool mark) {
  uint32_t wanted = (value & kOwnerDied) | tid_of(thread) | (mark ? kWaiters : 0);
  Step taken = change_word(word, value, wanted);
  if (taken == Step::Acquired && mark) {
    Guard guard(PriorityInheritance::lock);
    lock = spare;
    PriorityInheritance::change_owner(*lock, &thread);
  }
  return taken;
}

// From here on the owner cannot unlock without the kernel.
Result<Step> Attempt::join_owner(uint32_t value) {
  if (owner != nullptr && (value & kTidMask) != tid_of(*owner)) return Step::Again;
  Step marked = change_word(word, value, value | kWaiters);
  if (marked != Step::Acquired) return marked;
  if (owner == nullptr) return Errno::Srch;
  {
    Guard guard(PriorityInheritance::lock);
    if (!owner->owns_no_more) {
      lock = spare;
      PriorityInheritance::change_owner(*lock, owner);
      return Step::Waits;
    }
  }
  // It has ended since it was looked for. What was on its robust list says so by now.
  uint32_t left;
  if (!arch::load_user_u32(word, left)) return Step::Fault;
  return (left & kTidMask) == (value & kTidMask) ? Result<Step>(Errno::Srch) : Step::Again;
}

Result<Step> Attempt::block(LockingWaiter& waiter) {
  if (lock->owner() == nullptr) return Step::Again;
  TRY(PriorityInheritance::block(waiter, *lock));
  return Step::Waits;
}

// Who the word names. It may say otherwise by the time it is looked at under the bucket's lock.
Result<Optional<Ref<Task>>> find_owner(UserAddr word) {
  auto value = TRY(UserIn<uint32_t>(word).read());
  if ((value & kTidMask) == 0) return Optional<Ref<Task>>();
  return task::find_task(static_cast<PidNumber>(value & kTidMask));
}

Result<> make_accessible(UserAddr word) {
  return fault_in(word, sizeof(uint32_t), /*for_write=*/true);
}

// Nobody waits for a fresh lock yet, and nobody will.
void drop_fresh(const Attempt& attempt) REQUIRES(PriorityInheritance::lock) {
  if (attempt.lock != nullptr && attempt.is_fresh())
    PriorityInheritance::change_owner(*attempt.lock, nullptr);
}

void enqueue_locked(Bucket& bucket, LockingWaiter& waiter, Lock& lock) REQUIRES(bucket.lock) {
  waiter.kind = Waiter::Kind::Lock;
  waiter.lock_state = &lock;
  ++lock.users;
  waiter.bucket.store_release(&bucket);
  bucket.waiters.push_back(waiter);
}

// The lock at once (Acquired), or a place in the line.
Result<Step> join_line_locked(Bucket& bucket, LockingWaiter& waiter, Attempt& attempt, bool wait)
    REQUIRES(bucket.lock) {
  Step step = TRY(attempt.run_locked(bucket, waiter.blocked, /*mark=*/false));
  if (step != Step::Waits) return step;
  {
    Guard guard(PriorityInheritance::lock);
    Result<Step> blocked = wait ? attempt.block(waiter) : Result<Step>(Errno::Again);
    if (!blocked.ok() || *blocked == Step::Again) {
      drop_fresh(attempt);
      return blocked;
    }
  }
  enqueue_locked(bucket, waiter, *attempt.lock);
  return step;
}

// --- Behind the sleep.

enum class Left : uint8_t { Owner, NotOwner, MustWrite };

// Out of all lists; but for an owner that has not written the word yet, unless it cannot.
Left leave_line(LockingWaiter& waiter, bool written) {
  Bucket& bucket = *waiter.bucket.load_acquire();
  Lock& lock = *waiter.lock_state;
  bool owns, last;
  {
    Guard guard(bucket.lock);
    Guard inner(PriorityInheritance::lock);
    owns = waiter.owns();
    if (owns && waiter.owner_died && !written) return Left::MustWrite;
    if (owns) {
      lock.owner_is_new = false;
    } else {
      PriorityInheritance::unblock(waiter);
    }
    bucket.waiters.remove(waiter);
    last = --lock.users == 0;
    if (last) PriorityInheritance::change_owner(lock, nullptr);
  }
  if (last) delete &lock;
  return owns ? Left::Owner : Left::NotOwner;
}

// For an owner that ended. Nobody else may take the lock meanwhile: the line is still there.
Result<> take_over_word(LockingWaiter& waiter, UserAddr word) {
  for (;;) {
    {
      Guard guard(waiter.bucket.load_acquire()->lock);
      uint32_t value;
      Step changed = Step::Fault;
      if (arch::load_user_u32(word, value))
        changed = change_word(word, value, tid_of(waiter.blocked) | kWaiters | kOwnerDied);
      if (changed == Step::Acquired) return {};
      if (changed == Step::Again) continue;
    }
    TRY(make_accessible(word));
  }
}

// `interrupted`: what a signal means.
Result<> finish(LockingWaiter& waiter, UserAddr word, Result<> slept, Errno interrupted) {
  Result<> written;
  Left left = leave_line(waiter, /*written=*/false);
  if (left == Left::MustWrite) {
    written = take_over_word(waiter, word);
    left = leave_line(waiter, /*written=*/true);
  }
  if (left == Left::Owner) return written;
  return slept.failed_with(Errno::TimedOut) ? Errno::TimedOut : interrupted;
}

void grant_locked(Lock& lock, LockingWaiter& next) REQUIRES(PriorityInheritance::lock) {
  PriorityInheritance::unblock(next);
  PriorityInheritance::change_owner(lock, &next.blocked);
  next.woken.store_release(true);
  next.blocked.wake();
}

// The first in line becomes the owner, in the word as well.
Result<Step> hand_over(Lock& lock, UserAddr word, uint32_t value) {
  Guard guard(PriorityInheritance::lock);
  if (lock.owner() != &current()) return Errno::Inval;
  auto* next = static_cast<LockingWaiter*>(lock.first());
  if (next == nullptr) return change_word(word, value, 0);
  Step changed = change_word(word, value, tid_of(next->blocked) | kWaiters);
  if (changed == Step::Acquired) grant_locked(lock, *next);
  return changed;
}

}  // namespace

Result<> lock_pi(UserAddr address, Scope scope, LockMode mode, Until until) {
  UserAddr word = untagged(address);
  LockingWaiter waiter;
  waiter.key = TRY(key_of(address, scope));
  Bucket& bucket = bucket_of(waiter.key);
  Owned<Lock> spare = TRY(make_owned<Lock>());
  for (;;) {
    Optional<Ref<Task>> owner = TRY(find_owner(word));
    Attempt attempt{word, waiter.key, owner.get(), spare.get()};
    Step step;
    {
      Guard guard(bucket.lock);
      step = TRY(join_line_locked(bucket, waiter, attempt, mode == LockMode::Wait));
    }
    if (step == Step::Acquired) return {};
    if (step == Step::Fault) TRY(make_accessible(word));
    if (step != Step::Waits) continue;
    if (attempt.is_fresh()) static_cast<void>(std::move(spare).leak());
    break;
  }
  Result<> slept = sched::sleep_until_woken([&waiter] { return waiter.owns(); }, until);
  return finish(waiter, word, slept, Errno::RestartNoIntr);
}

Result<> unlock_pi(UserAddr address, Scope scope) {
  UserAddr word = untagged(address);
  Key key = TRY(key_of(address, scope));
  Bucket& bucket = bucket_of(key);
  for (;;) {
    auto value = TRY(UserIn<uint32_t>(word).read());
    if ((value & kTidMask) != tid_of(current())) return Errno::Perm;
    Step step;
    {
      Guard guard(bucket.lock);
      bool any;
      LockingWaiter* first = first_waiter(bucket, key, any);
      if (any && (first == nullptr || first->kind != Waiter::Kind::Lock)) return Errno::Inval;
      step = any ? TRY(hand_over(*first->lock_state, word, value)) : change_word(word, value, 0);
    }
    if (step == Step::Acquired) return {};
    if (step == Step::Fault) TRY(make_accessible(word));
  }
}

// --- Moving from a condition to a lock.

Result<> wait_requeue_pi(UserAddr address, uint32_t expected, Scope scope, UserAddr lock,
                         Until until) {
  if (address == lock) return Errno::Inval;
  LockingWaiter waiter;
  waiter.kind = Waiter::Kind::Move;
  waiter.key = TRY(key_of(address, scope));
  waiter.target = TRY(key_of(lock, scope));
  if (waiter.key == waiter.target) return Errno::Inval;
  while (!TRY(join_queue(waiter, address, expected)))
    TRY(fault_in(untagged(address), sizeof(uint32_t), /*for_write=*/false));
  Result<> slept = sched::sleep_until_woken([&waiter] { return waiter.owns(); }, until);
  for (;;) {
    Bucket& bucket = *waiter.bucket.load_acquire();
    Guard guard(bucket.lock);
    if (&bucket != waiter.bucket.load_relaxed()) continue;
    if (waiter.kind == Waiter::Kind::Lock) break;  // was moved
    if (waiter.owns()) return {};                  // got the lock without waiting for it
    bucket.waiters.remove(waiter);
    return slept.failed_with(Errno::TimedOut) ? Errno::TimedOut : Errno::RestartNoIntr;
  }
  // A restart would find the condition's word changed.
  return finish(waiter, untagged(lock), slept, Errno::Again);
}

namespace {

// A waiter that may move to `target`. Error: Inval.
Result<LockingWaiter*> movable(Waiter& waiter, const Key& target) {
  if (waiter.kind != Waiter::Kind::Move) return Errno::Inval;
  auto& locking = static_cast<LockingWaiter&>(waiter);
  return locking.target == target ? Result<LockingWaiter*>(&locking) : Errno::Inval;
}

struct Move {
  Key source, target;
  Bucket& from;
  Bucket& to;
  int most;  // to move, beside the first, which gets the lock if it is free

  Result<Step> run_locked(Attempt& attempt, int& done) REQUIRES(from.lock, to.lock);

 private:
  Result<Step> move_all_locked(Attempt& attempt, int& done) REQUIRES(from.lock, to.lock);
};

Result<Step> Move::run_locked(Attempt& attempt, int& done) {
  bool any;
  LockingWaiter* first = first_waiter(from, source, any);
  if (!any) return Step::Acquired;
  if (first == nullptr) return Errno::Inval;
  TRY(movable(*first, target));
  Step step = TRY(attempt.run_locked(to, first->blocked, most > 0));
  if (step == Step::Fault || step == Step::Again) return step;
  if (step == Step::Acquired) {
    from.waiters.remove(*first);
    first->woken.store_release(true);
    first->blocked.wake();
    done = 1;
  }
  Result<Step> moved =
      attempt.lock == nullptr ? Result<Step>(Step::Acquired) : move_all_locked(attempt, done);
  if (attempt.lock != nullptr && attempt.lock->users == 0) {
    Guard guard(PriorityInheritance::lock);
    drop_fresh(attempt);
    attempt.lock = nullptr;
  }
  return moved;
}

Result<Step> Move::move_all_locked(Attempt& attempt, int& done) {
  for (Waiter* at = from.waiters.front(); at != nullptr && done - 1 < most;) {
    Waiter& waiter = *at;
    at = from.waiters.next(waiter);
    if (!(waiter.key == source)) continue;
    LockingWaiter& moved = *TRY(movable(waiter, target));
    {
      Guard guard(PriorityInheritance::lock);
      if (TRY(attempt.block(moved)) == Step::Again) return Step::Again;
    }
    from.waiters.remove(moved);
    moved.key = target;
    enqueue_locked(to, moved, *attempt.lock);
    ++done;
  }
  return Step::Acquired;
}

}  // namespace

Result<int> requeue_pi(UserAddr from, UserAddr lock, int wake_count, int move_count, Scope scope,
                       uint32_t expected) {
  if (wake_count != 1 || move_count < 0 || from == lock) return Errno::Inval;
  Key source = TRY(key_of(from, scope));
  Key target = TRY(key_of(lock, scope));
  if (source == target) return Errno::Inval;
  UserAddr word = untagged(lock);
  Move move{source, target, bucket_of(source), bucket_of(target), move_count};
  Owned<Lock> spare = TRY(make_owned<Lock>());
  for (;;) {
    Optional<Ref<Task>> owner = TRY(find_owner(word));
    Attempt attempt{word, target, owner.get(), spare.get()};
    int done = 0;
    Step step = Step::Fault;
    bool readable;
    Result<> failed;
    {
      Guard2 guard(move.from.lock, move.to.lock);
      uint32_t value;
      readable = arch::load_user_u32(untagged(from), value);
      if (readable) {
        if (value != expected) return Errno::Again;
        Result<Step> run = move.run_locked(attempt, done);
        if (run.ok()) {
          step = *run;
        } else {
          failed = run.error();
        }
      }
    }
    if (attempt.lock == spare.get()) static_cast<void>(std::move(spare).leak());
    TRY(failed);
    if (step == Step::Acquired) return done;
    if (!readable) TRY(fault_in(untagged(from), sizeof(uint32_t), /*for_write=*/false));
    if (readable && step == Step::Fault) TRY(make_accessible(word));
  }
}

// The first in line gets each lock, and learns that its owner has died.
void exit_pi(Task& task) {
  Guard guard(PriorityInheritance::lock);
  task.owns_no_more = true;
  while (InheritingLock* owned = task.inheriting_locks.front()) {
    auto& lock = static_cast<Lock&>(*owned);
    auto* next = static_cast<LockingWaiter*>(lock.first());
    if (next == nullptr) {
      PriorityInheritance::change_owner(lock, nullptr);
      continue;
    }
    lock.owner_is_new = next->owner_died = true;
    grant_locked(lock, *next);
  }
}

}  // namespace kernel::futex
