// SPDX-License-Identifier: MIT
// Inside of futexes: keys, buckets and waiters, which futex.cc and futex_pi.cc share. Nothing
// outside includes this.
//
// A waiter lives on its thread's stack. Who wakes it takes it off its bucket and marks it, all
// under the bucket's lock; the thread object behind it cannot go before that lock is released (RCU:
// preemption is off). A waiter that gives up finds its bucket again, as requeue may have moved it.
#pragma once

#include "vm/futex.h"

namespace kernel::futex {

struct Key {
  const void* owner = nullptr;  // address space, or memory object
  uint64_t offset = 0;
  Optional<Ref<MemoryObject>> object;  // keeps a shared key's owner alive
  friend bool operator==(const Key& a, const Key& b) {
    return a.owner == b.owner && a.offset == b.offset;
  }
};

struct Waiter : ListNode<Waiter> {
  // What it waits for: a wake-up; a lock that inherits priorities; to be moved to such a lock.
  enum class Kind : uint8_t { Plain, Lock, Move } kind = Kind::Plain;
  Key key;
  uint32_t bitset = 0;
  Thread* thread = nullptr;
  Atomic<struct Bucket*> bucket;
  Atomic<bool> woken;
};

struct Bucket {
  SpinLock<LockRank::FutexBucket> lock;
  List<Waiter> waiters GUARDED_BY(lock);
};

Bucket& bucket_of(const Key& key);
Result<Key> key_of(UserAddr address, Scope scope);
// False: the word must be faulted in first. Error: Again.
Result<bool> join_queue(Waiter& waiter, UserAddr address, uint32_t expected);

}  // namespace kernel::futex
