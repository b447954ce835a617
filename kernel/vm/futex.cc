// SPDX-License-Identifier: MIT
// Futexes: hash buckets of waiters, each under its spin lock. The user word is read under that lock
// without faulting, so that a waker who changed the word before waking finds every waiter that saw
// the old value. A word that is not there is faulted in with no lock held, and the call starts
// over. Locks that inherit priorities are in futex_pi.cc.

#include "vm/futex_internal.h"

#include "arch/user_copy.h"
#include "vm/user_copy.h"

namespace kernel::futex {
namespace {

// Words are aligned: this bit keeps the two scopes of private memory apart, as Linux does.
constexpr uint64_t kSharedScope = 2;
constexpr size_t kBuckets = 256;
constinit Bucket buckets[kBuckets];

}  // namespace

Bucket& bucket_of(const Key& key) {
  uint64_t mixed =
      (reinterpret_cast<uint64_t>(key.owner) >> 6) + (key.offset >> 2) * 0x9e37'79b9'7f4a'7c15;
  return buckets[(mixed >> 32 ^ mixed) % kBuckets];
}

Result<Key> key_of(UserAddr address, Scope scope) {
  address = untagged(address);
  if (!is_aligned(address, sizeof(uint32_t))) return Errno::Inval;
  if (!is_user_range(address, sizeof(uint32_t))) return Errno::Fault;
  AddressSpace* space = current().address_space;
  Key key;
  key.owner = space;
  key.offset = raw(address);
  if (scope == Scope::Private) return key;
  AddressSpace::Backing backing = TRY(space->backing_of(address));
  if (backing.object) {
    key.owner = backing.object.get();
    key.offset = backing.offset;
    key.object = std::move(backing.object);
  } else {
    key.offset |= kSharedScope;
  }
  return key;
}

Result<bool> join_queue(Waiter& waiter, UserAddr address, uint32_t expected) {
  Bucket& bucket = bucket_of(waiter.key);
  Guard guard(bucket.lock);
  uint32_t value;
  if (!arch::load_user_u32(untagged(address), value)) return false;
  if (value != expected) return Errno::Again;
  waiter.bucket.store_relaxed(&bucket);
  bucket.waiters.push_back(waiter);
  return true;
}

namespace {

// Only while its bucket's lock is held.
void wake_locked(Bucket& bucket, Waiter& waiter) REQUIRES(bucket.lock) {
  Thread& thread = *waiter.thread;
  bucket.waiters.remove(waiter);
  waiter.woken.store_release(true);  // the waiter may be gone from here on
  thread.wake();
}

// Error: Inval: somebody waits there for a lock that inherits priorities.
Result<int> wake_matching_locked(Bucket& bucket, const Key& key, int count, uint32_t bitset)
    REQUIRES(bucket.lock) {
  int woken = 0;
  for (Waiter* waiter = bucket.waiters.front(); waiter != nullptr;) {
    Waiter* next = bucket.waiters.next(*waiter);
    if (waiter->key == key) {
      if (waiter->kind != Waiter::Kind::Plain) return Errno::Inval;
      if ((waiter->bitset & bitset) != 0) {
        wake_locked(bucket, *waiter);
        if (++woken >= count) break;
      }
    }
    waiter = next;
  }
  return woken;
}

// True when the waiter was still queued: nobody woke it.
bool leave_queue(Waiter& waiter) {
  for (;;) {
    Bucket& bucket = *waiter.bucket.load_acquire();
    Guard guard(bucket.lock);
    if (&bucket != waiter.bucket.load_relaxed()) continue;
    if (waiter.woken.load_relaxed()) return false;
    bucket.waiters.remove(waiter);
    return true;
  }
}

Result<> prepare(Waiter& waiter, UserAddr address, Scope scope, uint32_t bitset) {
  waiter.key = TRY(key_of(address, scope));
  waiter.bitset = bitset;
  waiter.thread = &current();
  return {};
}

using Waiters = Vector<Owned<Waiter>>;

// Takes the first `count` off their queues; the last one that somebody has woken.
std::optional<size_t> leave_queues(Waiters& waiters, size_t count) {
  std::optional<size_t> woken;
  for (size_t i = 0; i < count; ++i) {
    if (!leave_queue(*waiters[i])) woken = i;
  }
  return woken;
}

// All of them are queued on return; or none, with an index when one was woken meanwhile.
Result<std::optional<size_t>> join_queues(Waiters& waiters, std::span<const Awaited> awaited) {
  for (size_t queued = 0; queued < awaited.size();) {
    Result<bool> joined =
        join_queue(*waiters[queued], awaited[queued].address, awaited[queued].expected);
    if (joined.ok() && *joined) {
      ++queued;
      continue;
    }
    if (std::optional<size_t> woken = leave_queues(waiters, queued)) return woken;
    if (!joined.ok()) return joined.error();
    TRY(fault_in(untagged(awaited[queued].address), sizeof(uint32_t), /*for_write=*/false));
    queued = 0;
  }
  return std::optional<size_t>();
}

}  // namespace

Result<> wait(UserAddr address, uint32_t expected, Scope scope, uint32_t bitset, Until until) {
  if (bitset == 0) return Errno::Inval;
  Waiter waiter;
  TRY(prepare(waiter, address, scope, bitset));
  while (!TRY(join_queue(waiter, address, expected)))
    TRY(fault_in(untagged(address), sizeof(uint32_t), /*for_write=*/false));
  auto woken = [&waiter] { return waiter.woken.load_acquire(); };
  Result<> result = sched::sleep_until_woken(woken, until);
  // Woken and interrupted at once: it was a wake-up, which must not be lost.
  if (!leave_queue(waiter)) return {};
  return result;
}

Result<size_t> wait_any(std::span<const Awaited> awaited, Until until) {
  Waiters waiters;
  TRY(waiters.reserve(awaited.size()));
  for (const Awaited& one : awaited) {
    waiters.append_reserved(TRY(make_owned<Waiter>()));
    TRY(prepare(*waiters[waiters.size() - 1], one.address, one.scope, kMatchAny));
  }
  if (std::optional<size_t> woken = TRY(join_queues(waiters, awaited))) return *woken;
  auto any_woken = [&waiters] {
    for (const Owned<Waiter>& waiter : waiters) {
      if (waiter->woken.load_acquire()) return true;
    }
    return false;
  };
  Result<> result = sched::sleep_until_woken(any_woken, until);
  if (std::optional<size_t> woken = leave_queues(waiters, waiters.size())) return *woken;
  return result.error();
}

Result<int> wake(UserAddr address, int count, Scope scope, uint32_t bitset) {
  if (bitset == 0) return Errno::Inval;
  Key key = TRY(key_of(address, scope));
  Bucket& bucket = bucket_of(key);
  Guard guard(bucket.lock);
  return wake_matching_locked(bucket, key, count, bitset);
}

// --- Two futexes -------------------------------------------------------------------

namespace {

// Wakes some and moves some. Both buckets' locks are held; they may be one.
Result<int> requeue_locked(Bucket& from, Bucket& to, const Key& source, const Key& target,
                           int wake_count, int requeue_count) REQUIRES(from.lock, to.lock) {
  int done = 0;
  Waiter* last = from.waiters.back();
  for (Waiter* waiter = from.waiters.front();
       waiter != nullptr && done - wake_count < requeue_count;) {
    Waiter* next = waiter == last ? nullptr : from.waiters.next(*waiter);
    if (waiter->key == source) {
      if (waiter->kind != Waiter::Kind::Plain) return Errno::Inval;
      if (done < wake_count) {
        wake_locked(from, *waiter);
      } else {
        from.waiters.remove(*waiter);
        waiter->key = target;
        waiter->bucket.store_release(&to);
        to.waiters.push_back(*waiter);
      }
      ++done;
    }
    waiter = next;
  }
  return done;
}

constexpr int32_t sign_extend_12(uint32_t value) {
  return static_cast<int32_t>(value << 20) >> 20;
}

// FUTEX_OP of futex(2): the new value and the comparison.
struct Operation {
  explicit Operation(uint32_t encoded)
      : code(encoded >> 28 & 7), comparison(encoded >> 24 & 15),
        argument(sign_extend_12(encoded >> 12 & 0xfff)), compared(sign_extend_12(encoded & 0xfff)) {
    if ((encoded >> 31) != 0)
      argument = static_cast<int32_t>(uint32_t{1} << (static_cast<uint32_t>(argument) & 31));
  }
  bool is_known() const { return code <= 4; }
  bool compares() const { return comparison <= 5; }
  uint32_t apply(uint32_t old) const {
    uint32_t operand = static_cast<uint32_t>(argument);
    switch (code) {
      case 0: return operand;
      case 1: return old + operand;
      case 2: return old | operand;
      case 3: return old & ~operand;
      default: return old ^ operand;
    }
  }
  bool holds(uint32_t old_value) const {
    int32_t old = static_cast<int32_t>(old_value);
    switch (comparison) {
      case 0: return old == compared;
      case 1: return old != compared;
      case 2: return old < compared;
      case 3: return old <= compared;
      case 4: return old > compared;
      default: return old >= compared;
    }
  }

  uint32_t code, comparison;
  int32_t argument, compared;
};

// False: the word must be faulted in first.
bool apply_to_word(UserAddr address, const Operation& operation, uint32_t& old) {
  if (!arch::load_user_u32(address, old)) return false;
  for (;;) {
    uint32_t seen = old;
    if (!arch::compare_exchange_user_u32(address, seen, operation.apply(old))) return false;
    if (seen == old) return true;
    old = seen;
  }
}

}  // namespace

Result<int> requeue(UserAddr from, UserAddr to, int wake_count, int requeue_count, Scope scope,
                    const uint32_t* expected) {
  if (wake_count < 0 || requeue_count < 0) return Errno::Inval;
  Key source = TRY(key_of(from, scope));
  Key target = TRY(key_of(to, scope));
  from = untagged(from);
  Bucket& first = bucket_of(source);
  Bucket& second = bucket_of(target);
  for (;;) {
    {
      Guard2 guard(first.lock, second.lock);
      uint32_t value = 0;
      bool readable = expected == nullptr || arch::load_user_u32(from, value);
      if (readable) {
        if (expected != nullptr && value != *expected) return Errno::Again;
        return requeue_locked(first, second, source, target, wake_count, requeue_count);
      }
    }
    TRY(fault_in(from, sizeof(uint32_t), /*for_write=*/false));
  }
}

Result<int> wake_op(UserAddr first, UserAddr second, int wake_count, int wake_count_second,
                    uint32_t encoded, Scope scope) {
  Key first_key = TRY(key_of(first, scope));
  Key second_key = TRY(key_of(second, scope));
  Operation operation(encoded);
  if (!operation.is_known()) return Errno::NoSys;
  second = untagged(second);
  Bucket& first_bucket = bucket_of(first_key);
  Bucket& second_bucket = bucket_of(second_key);
  for (;;) {
    {
      Guard2 guard(first_bucket.lock, second_bucket.lock);
      uint32_t old = 0;
      if (apply_to_word(second, operation, old)) {
        if (!operation.compares()) return Errno::NoSys;  // as Linux: behind the change
        int woken = TRY(wake_matching_locked(first_bucket, first_key, wake_count, kMatchAny));
        if (operation.holds(old))
          woken += TRY(
              wake_matching_locked(second_bucket, second_key, wake_count_second, kMatchAny));
        return woken;
      }
    }
    TRY(fault_in(second, sizeof(uint32_t), /*for_write=*/true));
  }
}

}  // namespace kernel::futex
