// SPDX-License-Identifier: MIT
// Objects of System V IPC and the table of one kind of them: by key and by identifier. An
// identifier is a slot and, above it, a sequence number that moves on when slots are used again, so
// that an old identifier is not mistaken for a new object.
//
// The table's lock guards which objects there are, the object's lock what one is; taken in that
// order. An object that left the table is `removed`, and whoever waited for it learns so.
#pragma once

#include "ipc/limits.h"
#include "ipc/permission.h"
#include "lib/vector.h"
#include "sched/mutex.h"
#include "task/task.h"

namespace kernel::ipc {

inline int64_t now_seconds() {
  return static_cast<int64_t>(clock::realtime() / kNanosPerSecond);
}
inline PidNumber current_pid() { return current_task().group().pid(); }
inline const Credentials& caller() { return current_task().credentials(); }

template <class T>
class Table;

struct Object {
  Mutex<LockRank::IpcObject> lock;
  Permission permission GUARDED_BY(lock);
  bool removed GUARDED_BY(lock) = false;
  int64_t change_time GUARDED_BY(lock) = now_seconds();
  int32_t id() const { return id_; }
  uint16_t sequence() const { return static_cast<uint16_t>(id_ >> kSlotBits); }

  static constexpr unsigned kSlotBits = 15;
  static_assert(kMostObjects == 1 << kSlotBits);

 protected:
  // A kind may define its own: it has its identifier; IPC_RMID was asked for.
  void named() {}
  void destroyed_locked() REQUIRES(lock) {}
  explicit Object(const Permission& given) : permission(given) {}

 private:
  template <class T>
  friend class Table;
  int32_t id_ = -1;  // set once, before anybody can find it
};

template <class T>
class Table {
 public:
  // shmget(2) and its like. `check(object)`, with the object's lock held, may refuse one that
  // exists; `make()` makes one, without any lock. Returns the identifier. Errors: NoEnt, Exist,
  // Acces, NoSpc.
  template <class Check, class Make>
  Result<int32_t> get(int32_t key, uint32_t flags, uint64_t limit, Check check, Make make) {
    for (;;) {
      if (key != kPrivateKey) {
        Guard guard(lock_);
        if (T* present = with_key_locked(key)) {
          if ((flags & kCreate) != 0 && (flags & kExclusive) != 0) return Errno::Exist;
          Guard object(present->lock);
          TRY(check(*present));
          TRY(present->permission.check(flags, current_task().credentials()));
          return present->id();
        }
        if ((flags & kCreate) == 0) return Errno::NoEnt;
      }
      Ref<T> made = TRY(make());
      Guard guard(lock_);
      bool taken = key != kPrivateKey && with_key_locked(key) != nullptr;
      if (!taken) return insert_locked(made, limit);
    }
  }

  // Error: Inval, also when its slot has another one by now.
  Result<Ref<T>> find(int32_t id) {
    Ref<T> object = TRY(find_slot(id));
    if (object->id() != id) return Errno::Inval;
    return object;
  }
  // Of the *_STAT commands: only the slot counts.
  Result<Ref<T>> find_slot(int32_t id) {
    size_t slot = static_cast<size_t>(id) & (kMostObjects - 1);
    Guard guard(lock_);
    if (slot >= slots_.size() || slots_[slot] == nullptr) return Errno::Inval;
    return Ref<T>(*slots_[slot]);
  }
  // The object in the first slot from `slot` on, which becomes the one behind it.
  Optional<Ref<T>> next(size_t& slot) {
    Guard guard(lock_);
    while (slot < slots_.size()) {
      if (T* object = slots_[slot++]) return Ref<T>(*object);
    }
    return std::nullopt;
  }

  // IPC_RMID. Errors: IdRm, Perm.
  Result<> destroy(T& object) {
    {
      Guard guard(object.lock);
      if (object.removed) return Errno::IdRm;
      TRY(object.permission.check_owner(caller()));
      object.destroyed_locked();
    }
    remove(object);
    return {};
  }
  // The object may have a reason to stay; else it tells who waits. The last reference is the
  // caller's.
  void remove(T& object) {
    Guard guard(lock_);
    Guard inner(object.lock);
    if (object.removed || !object.end_locked()) return;
    object.removed = true;
    size_t slot = static_cast<size_t>(object.id()) & (kMostObjects - 1);
    slots_[slot] = nullptr;
    --count_;
    object.unref();
  }

  // Of the *_INFO commands.
  struct Usage {
    uint64_t count;
    int32_t highest_slot;  // 0 also when there is none
  };
  Usage usage() {
    Guard guard(lock_);
    size_t end = slots_.size();
    while (end > 0 && slots_[end - 1] == nullptr) --end;
    return {count_, end == 0 ? 0 : static_cast<int32_t>(end - 1)};
  }

 private:
  static constexpr int32_t kSequences = 65535;
  static constexpr size_t kLeastCycle = 64;

  // Keys are few, and looked up by *get only.
  T* with_key_locked(int32_t key) REQUIRES(lock_) {
    for (T* object : slots_) {
      if (object == nullptr) continue;
      Guard guard(object->lock);
      if (object->permission.key == key) return object;
    }
    return nullptr;
  }

  // Slots are taken in turn, over half as many more than are in use, so that an identifier is not
  // used again soon.
  Result<int32_t> insert_locked(const Ref<T>& object, uint64_t limit) REQUIRES(lock_) {
    if (count_ >= limit || count_ >= kMostObjects) return Errno::NoSpc;
    size_t cycle = count_ * 3 / 2;
    if (cycle < kLeastCycle) cycle = kLeastCycle;
    if (cycle > kMostObjects) cycle = kMostObjects;
    if (slots_.size() < cycle) TRY(slots_.resize(cycle));
    size_t slot = next_slot_ < cycle ? next_slot_ : 0;
    while (slots_[slot] != nullptr) slot = (slot + 1) % cycle;
    if (next_slot_ != 0 && slot < next_slot_) sequence_ = (sequence_ + 1) % kSequences;
    next_slot_ = slot + 1;
    ++count_;
    object->id_ = sequence_ << Object::kSlotBits | static_cast<int32_t>(slot);
    object->named();
    int32_t id = object->id_;
    slots_[slot] = Ref<T>(object).leak();
    return id;
  }

  Mutex<LockRank::IpcTable> lock_;
  Vector<T*> slots_ GUARDED_BY(lock_);  // each a reference
  uint64_t count_ GUARDED_BY(lock_) = 0;
  size_t next_slot_ GUARDED_BY(lock_) = 0;
  int32_t sequence_ GUARDED_BY(lock_) = 0;
};

}  // namespace kernel::ipc
