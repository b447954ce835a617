// SPDX-License-Identifier: MIT
// The map from numbers to Pid objects: leaves of 512 numbers, made when first used and retired when
// empty. Writers hold the map's lock, readers an RCU section.

#include "task/pid.h"

#include <bit>

#include "lib/check.h"
#include "sync/spin_lock.h"

namespace kernel {
namespace {

constinit Atomic<PidNumber> limit{32768};  // as Linux has it with up to 32 CPUs

}  // namespace

PidNumber pid_max() { return limit.load_relaxed(); }
void set_pid_max(PidNumber maximum) { limit.store_relaxed(maximum); }

class PidMap {
 public:
  static constexpr uint32_t kLeafSize = 512;
  static constexpr uint32_t kLeaves = kPidMax / kLeafSize;
  // After the first wrap numbers below this are left alone, as on Linux: daemons started at boot.
  static constexpr PidNumber kWrapTo = 300;

  struct Leaf : RcuHead {
    RcuPointer<Pid> pids[kLeafSize];
    uint64_t used[kLeafSize / 64] = {};
    uint32_t count = 0;
  };

  static Result<Ref<Pid>> allocate();
  static Result<Ref<Pid>> allocate_at(PidNumber number);
  static void release(Pid& pid);
  static Pid* read(PidNumber number);
  static PidNumber next_used(PidNumber from);
  static PidNumber last() {
    Guard guard(lock);
    return last_number;
  }

 private:
  static Pid* make(PidNumber number) { return new (std::nothrow) Pid(number); }
  static PidNumber find_free_locked(PidNumber from, PidNumber end) REQUIRES(lock);
  static Leaf* leaf_locked(PidNumber number) REQUIRES(lock) { return leaves[index(number)].read(); }
  static void insert_locked(Leaf& leaf, Pid& pid) REQUIRES(lock);
  static uint32_t index(PidNumber number) { return static_cast<uint32_t>(number) / kLeafSize; }
  static uint32_t slot(PidNumber number) { return static_cast<uint32_t>(number) % kLeafSize; }

  static SpinLock<LockRank::PidMap> lock;
  static RcuPointer<Leaf> leaves[kLeaves];
  static PidNumber last_number GUARDED_BY(lock);
};

constinit SpinLock<LockRank::PidMap> PidMap::lock;
constinit RcuPointer<PidMap::Leaf> PidMap::leaves[PidMap::kLeaves];
constinit PidNumber PidMap::last_number = 0;

// The lowest free number in [from, end), or -1. Leaves that are not there are free throughout.
PidNumber PidMap::find_free_locked(PidNumber from, PidNumber end) {
  PidNumber number = from;
  while (number < end) {
    Leaf* leaf = leaf_locked(number);
    if (leaf == nullptr) return number;
    uint32_t at = slot(number);
    if (leaf->count < kLeafSize) {
      for (uint32_t word = at / 64; word < kLeafSize / 64; ++word) {
        uint64_t free = ~leaf->used[word];
        if (word == at / 64) free &= ~uint64_t{0} << (at % 64);
        if (free == 0) continue;
        uint32_t found = word * 64 + static_cast<uint32_t>(std::countr_zero(free));
        PidNumber result = number - static_cast<PidNumber>(at) + static_cast<PidNumber>(found);
        return result < end ? result : -1;
      }
    }
    number += static_cast<PidNumber>(kLeafSize - at);
  }
  return -1;
}

void PidMap::insert_locked(Leaf& leaf, Pid& pid) {
  uint32_t at = slot(pid.number());
  leaf.used[at / 64] |= uint64_t{1} << (at % 64);
  ++leaf.count;
  leaf.pids[at].publish(&pid);
}

// The Pid and, where it may be needed, a leaf are made before the lock is taken.
Result<Ref<Pid>> PidMap::allocate() {
  Pid* pid = make(0);
  if (pid == nullptr) return Errno::NoMem;
  Leaf* spare = nullptr;
  for (;;) {
    {
      Guard guard(lock);
      PidNumber number = find_free_locked(last_number + 1, pid_max());
      if (number < 0) number = find_free_locked(kWrapTo, pid_max());
      if (number < 0) break;
      Leaf* leaf = leaf_locked(number);
      if (leaf == nullptr && spare != nullptr) {
        leaf = std::exchange(spare, nullptr);
        leaves[index(number)].publish(leaf);
      }
      if (leaf != nullptr) {
        pid->number_ = number;
        last_number = number;
        insert_locked(*leaf, *pid);
        delete spare;
        return Ref<Pid>::adopt(*pid);
      }
    }
    if (spare == nullptr) spare = new (std::nothrow) Leaf;
    if (spare == nullptr) {
      delete pid;
      return Errno::NoMem;
    }
  }
  delete spare;
  delete pid;
  return Errno::Again;
}

Result<Ref<Pid>> PidMap::allocate_at(PidNumber number) {
  if (number < 1 || number >= kPidMax) return Errno::Inval;
  Pid* pid = make(number);
  Leaf* spare = new (std::nothrow) Leaf;
  if (pid != nullptr && spare != nullptr) {
    Guard guard(lock);
    Leaf* leaf = leaf_locked(number);
    if (leaf == nullptr) {
      leaf = std::exchange(spare, nullptr);
      leaves[index(number)].publish(leaf);
    }
    if ((leaf->used[slot(number) / 64] >> (slot(number) % 64) & 1) == 0) {
      insert_locked(*leaf, *pid);
      delete spare;
      return Ref<Pid>::adopt(*pid);
    }
  }
  bool no_memory = pid == nullptr || spare == nullptr;
  delete spare;
  delete pid;
  return no_memory ? Errno::NoMem : Errno::Exist;
}

void PidMap::release(Pid& pid) {
  Leaf* empty = nullptr;
  {
    Guard guard(lock);
    uint32_t at = slot(pid.number());
    Leaf* leaf = leaf_locked(pid.number());
    leaf->pids[at].publish(nullptr);
    leaf->used[at / 64] &= ~(uint64_t{1} << (at % 64));
    if (--leaf->count == 0) {
      leaves[index(pid.number())].publish(nullptr);
      empty = leaf;
    }
  }
  if (empty != nullptr) retire_object(empty);
}

Pid* PidMap::read(PidNumber number) {
  if (number < 1 || number >= kPidMax) return nullptr;
  Leaf* leaf = leaves[index(number)].read();
  return leaf == nullptr ? nullptr : leaf->pids[slot(number)].read();
}

// The lowest number >= from that is in use, or -1. RCU section; the bitmap is not read, since only
// writers see it whole.
PidNumber PidMap::next_used(PidNumber from) {
  for (PidNumber number = from < 1 ? 1 : from; number < kPidMax;) {
    Leaf* leaf = leaves[index(number)].read();
    if (leaf != nullptr && leaf->pids[slot(number)].read() != nullptr) return number;
    number += leaf != nullptr ? 1 : static_cast<PidNumber>(kLeafSize - slot(number));
  }
  return -1;
}

Result<Ref<Pid>> Pid::allocate() { return PidMap::allocate(); }
Result<Ref<Pid>> Pid::allocate_number(PidNumber number) { return PidMap::allocate_at(number); }
constinit Pid Pid::zero_(0);
Pid& Pid::zero() { return zero_; }
PidNumber Pid::last_allocated() { return PidMap::last(); }

Optional<Ref<Pid>> Pid::find(PidNumber number) {
  RcuReadGuard reading;
  Pid* pid = PidMap::read(number);
  if (pid == nullptr || !pid->try_ref()) return {};
  return Ref<Pid>::adopt(*pid);
}

Optional<Ref<Pid>> Pid::find_from(PidNumber from) {
  for (;;) {
    RcuReadGuard reading;
    from = PidMap::next_used(from);
    if (from < 0) return {};
    Pid* pid = PidMap::read(from++);
    if (pid != nullptr && pid->task() != nullptr && pid->try_ref()) return Ref<Pid>::adopt(*pid);
  }
}

void Pid::last_unref(Pid* pid) {
  PidMap::release(*pid);
  retire_object(pid);
}

}  // namespace kernel
